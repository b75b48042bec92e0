"""What a person hears while a client tries again."""

from __future__ import annotations

import logging

import pytest

from ottla.client.retry import TOLD_AT, Patience


def test_a_long_wait_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    patience = Patience("read")
    refused = ConnectionRefusedError("localhost:9092: connection refused")
    with caplog.at_level(logging.WARNING, "ottla.client"):
        for attempt in range(1, TOLD_AT):
            patience.failed(attempt, refused)
        patience.worked()
        assert not caplog.messages, "a hiccup is nobody's business"
        for attempt in range(1, TOLD_AT + 5):
            patience.failed(attempt, refused)
        patience.worked()
        patience.worked()
    assert caplog.messages == [f"cannot read for now, trying again: {refused}", "can read again"]
