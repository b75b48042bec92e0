"""Who is told what, and when: also those who ask again as soon as they are told."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.broker.coordination.outbox import Outbox, Token
from ottla.broker.later import Later
from ottla.core.coordination.contract import Call, Reply
from ottla.core.model.errors import ErrorCode, KafkaError

GONE = KafkaError(ErrorCode.NOT_COORDINATOR)


class Desk:
    """An outbox, and what comes of it in the order in which it came."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.abandoned: list[Token] = []
        self.outbox = Outbox(self.told.append, self.abandoned.append)

    def ask(self, name: str) -> Later[Any]:
        token: Later[Any] = Later()
        token.add_done_callback(lambda done: self.told.append((name, done.exception() or done.result())))
        self.outbox.expect(token)
        return token


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_replies_leave_in_order_and_calls_after_them(desk: Desk) -> None:
    first, second = desk.ask("first"), desk.ask("second")
    call = Call("elsewhere", 1)
    desk.outbox.release([Reply(first, 1), Reply(second, GONE)], [call])
    assert desk.told == [], "nothing leaves before its time"
    desk.outbox.send_off()
    assert desk.told == [("first", 1), ("second", GONE), call]


def test_who_is_told_may_ask_again_in_the_same_breath(desk: Desk) -> None:
    first, second = desk.ask("first"), desk.ask("second")

    def again(done: Any) -> None:
        desk.outbox.release([Reply(desk.ask("again"), 3)], [])
        desk.outbox.send_off()

    first.add_done_callback(again)
    desk.outbox.release([Reply(first, 1), Reply(second, 2)], [])
    desk.outbox.send_off()
    assert sorted(desk.told) == [("again", 3), ("first", 1), ("second", 2)]
    assert not desk.outbox.waiting


def test_what_may_go_goes_before_the_rest_is_refused(desk: Desk) -> None:
    safe = desk.ask("safe")
    desk.ask("not written")
    desk.outbox.release([Reply(safe, 1)], [])
    desk.outbox.refuse(GONE)
    assert desk.told == [("safe", 1), ("not written", GONE)]
    assert not desk.outbox.waiting


def test_only_who_goes_away_himself_is_abandoned(desk: Desk) -> None:
    gone, stays = desk.ask("gone"), desk.ask("stays")
    gone.cancel()
    desk.outbox.release([Reply(gone, 1), Reply(stays, 2)], [])
    desk.outbox.send_off()
    assert desk.abandoned == [gone]
    assert desk.told[-1] == ("stays", 2)
