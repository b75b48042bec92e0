"""Work that many want to be done and one does."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable

from ottla.world.doors import Clock


class OneAtATime:
    """Whoever comes while it is being done waits for its end, each on a future of its own: one that is cancelled takes
    nobody along."""

    __slots__ = ("_clock", "_waiting")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Future[None]] | None = None

    async def do(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it, and raise what it raises; or wait until whoever is at it has come to an end, well or not. It may have
        begun too early to be of use: look again then."""
        if self._waiting is not None:
            self._waiting.append(self._clock.future())
            await self._waiting[-1]
            return
        waiting: list[Future[None]] = []
        self._waiting = waiting
        try:
            await work()
        finally:
            self._waiting = None
            for each in waiting:
                if not each.done():
                    each.set_result(None)
