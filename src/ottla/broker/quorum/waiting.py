"""Waiting for the log to move, and for the hour: nothing here knows what for."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from functools import partial

from ottla.world.doors import Clock, Timer


class Progress:
    """Whoever waits looks again whenever something moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watching: list[Future[None]] = []
        """One for each fetch of the log that waits, so no more than there are connections."""

    async def wait(self, reached: Callable[[], bool], max_wait_ms: int) -> None:
        """Return when `reached()` holds after some progress, or when the time is up."""
        until = self._clock.now() + max_wait_ms
        while not reached() and self._clock.now() < until:
            moved: Future[None] = self._clock.future()
            self._watching.append(moved)
            timer = self._clock.call_at(until, partial(_wake, moved))
            try:
                await moved
            finally:
                timer.cancel()
                if moved in self._watching:
                    self._watching.remove(moved)

    def made(self) -> None:
        """Something moved."""
        watching, self._watching = self._watching, []
        for moved in watching:
            _wake(moved)


def _wake(moved: Future[None]) -> None:
    if not moved.done():
        moved.set_result(None)


class Timers:
    """One call to come for each name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers: dict[str, Timer] = {}

    def set(self, name: str, at: int, callback: Callable[[], None]) -> None:
        """Call back at `at`, monotonic milliseconds; an earlier call of this name that is still to come is replaced."""
        waiting = self._timers.pop(name, None)
        if waiting is not None:
            waiting.cancel()
        self._timers[name] = self._clock.call_at(at, callback)

    def stop(self) -> None:
        """None of them comes any more."""
        for timer in self._timers.values():
            timer.cancel()
