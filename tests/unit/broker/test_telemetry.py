"""What clients hear that ask for subscriptions and push metrics."""

from __future__ import annotations

from ottla.broker.telemetry import CLIENTS_MAX, PUSH_INTERVAL_MS, Telemetry
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid

INSTANCE = Uuid(bytes(range(16)))


def test_a_client_in_order_is_taken_and_one_in_a_hurry_throttled() -> None:
    client = Telemetry().client(INSTANCE)
    assert client.asks(0) == ErrorCode.NONE
    assert client.asks(5) == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    push = client.subscription_id
    assert client.pushes(10, push, 0, 5, 100, last=False) == ErrorCode.NONE
    assert client.pushes(20, push, 0, 5, 100, last=False) == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    later = 10 + PUSH_INTERVAL_MS
    assert client.pushes(later, push, 0, 500, 100, last=False) == ErrorCode.TELEMETRY_TOO_LARGE
    assert (
        client.pushes(later + 1, push, 0, 5, 100, last=True) == ErrorCode.NONE
    )  # the last word needs no turn
    assert client.pushes(later * 9, push, 0, 5, 100, last=False) == ErrorCode.INVALID_REQUEST


def test_who_pushes_what_nobody_asked_for_may_ask_at_once() -> None:
    client = Telemetry().client(INSTANCE)
    wrong = client.subscription_id + 1
    assert client.pushes(0, wrong, 0, 5, 100, last=False) == ErrorCode.UNKNOWN_SUBSCRIPTION_ID
    assert client.asks(1) == ErrorCode.NONE
    codec = client.pushes(PUSH_INTERVAL_MS, client.subscription_id, 9, 5, 100, last=False)
    assert codec == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE


def test_clients_unheard_of_are_forgotten() -> None:
    telemetry = Telemetry()
    first = telemetry.client(INSTANCE)
    for number in range(CLIENTS_MAX):
        telemetry.client(Uuid(number.to_bytes(16, "big")))
    assert telemetry.client(INSTANCE) is not first
