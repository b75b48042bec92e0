"""The heap of deadlines: what is due is called once, what is cancelled never, and the count stays right."""

from __future__ import annotations

from ottla.broker.waiting import Deadlines
from tests.unit.storage.world import StillClock


def test_deadlines_are_called_in_their_order() -> None:
    clock, called = StillClock(), []
    deadlines = Deadlines(clock)
    for wait in (30, 10, 20):
        deadlines.add(clock.now() + wait, lambda wait=wait: called.append(wait))
    clock.pass_ms(15)
    assert (called, len(deadlines)) == ([10], 2)
    clock.pass_ms(15)
    assert (called, len(deadlines)) == ([10, 20, 30], 0)


def test_a_cancelled_deadline_is_not_called() -> None:
    clock, called = StillClock(), []
    deadlines = Deadlines(clock)
    deadline = deadlines.add(clock.now() + 10, lambda: called.append(1))
    deadline.cancel()
    deadline.cancel()
    assert len(deadlines) == 0
    clock.pass_ms(20)
    assert (called, len(deadlines)) == ([], 0)


def test_cancelling_what_was_called_already_changes_nothing() -> None:
    """A request that ran out of time is answered then, and its answer cancels its deadline."""
    clock = StillClock()
    deadlines = Deadlines(clock)
    late = deadlines.add(clock.now() + 10, lambda: late.cancel())
    deadlines.add(clock.now() + 50, lambda: None)
    clock.pass_ms(20)
    late.cancel()
    assert len(deadlines) == 1
