"""An answer that comes later, in the turn in which it is known."""

from __future__ import annotations

import logging
from asyncio import CancelledError, InvalidStateError

import pytest

from ottla.broker.later import Later


def test_it_tells_at_once_and_in_order() -> None:
    later: Later[int] = Later()
    heard: list[tuple[str, int]] = []
    later.add_done_callback(lambda done: heard.append(("first", done.result())))
    later.add_done_callback(lambda done: heard.append(("second", done.result())))
    assert not later.done()
    later.set_result(7)
    assert heard == [("first", 7), ("second", 7)]
    later.add_done_callback(lambda done: heard.append(("late", done.result())))
    assert heard[-1] == ("late", 7)
    assert later.done() and not later.cancelled() and later.exception() is None


def test_it_is_answered_once() -> None:
    later: Later[int] = Later()
    with pytest.raises(InvalidStateError):
        later.result()
    later.set_result(1)
    with pytest.raises(InvalidStateError):
        later.set_result(2)
    with pytest.raises(InvalidStateError):
        later.set_exception(ValueError())
    assert later.result() == 1
    assert not later.cancel()


def test_a_fault_is_the_result() -> None:
    later: Later[int] = Later()
    later.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        later.result()
    assert isinstance(later.exception(), ValueError)


def test_cancelling_tells_too() -> None:
    later: Later[int] = Later()
    told: list[bool] = []
    later.add_done_callback(lambda done: told.append(done.cancelled()))
    assert later.cancel()
    assert told == [True]
    with pytest.raises(CancelledError):
        later.result()


def test_who_fails_when_told_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    later: Later[int] = Later()
    told: list[int] = []

    def fail(_: Later[int]) -> None:
        raise ZeroDivisionError

    later.add_done_callback(fail)
    later.add_done_callback(lambda done: told.append(done.result()))
    with caplog.at_level(logging.ERROR):
        later.set_result(3)
    assert told == [3]
    assert "could not be handed over" in caplog.text
