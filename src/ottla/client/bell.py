"""Waiting for something to happen, or for a time to come, whichever is first."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from ottla.world.doors import Clock


class Bell:
    """For one who waits and many who ring. Who rings while nobody waits is not heard: look before you wait."""

    __slots__ = ("_clock", "_wake")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake: Future[Any] | None = None

    async def wait(self, deadline: int) -> None:
        """Until somebody rings, or `deadline` (clock, ms)."""
        self._wake = self._clock.future()
        timer = self._clock.call_at(deadline, self.ring)
        try:
            await self._wake
        finally:
            timer.cancel()

    def ring(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
