"""The Clock door in virtual time.

`now` counts from the boot of the machine, `wall` from 1970; the wall clock of a machine may jump, the other never does.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ottla.sim.process import Process
from ottla.world.doors import Task, Timer
from ottla.world.real.clock import RealTask

BIRTH_WALL: Final = 1_700_000_000_000
"""Ms since 1970 when a simulated world begins."""


class WallClock:
    """The clock on the wall of one machine. It survives reboots."""

    __slots__ = ("offset",)

    def __init__(self) -> None:
        self.offset = BIRTH_WALL
        """Ms between the world's time and what it shows."""

    def jump(self, ms: int) -> None:
        self.offset += ms


class SimClock:
    """Time as one process sees it. `booted` is when its machine was switched on, in the world's microseconds."""

    __slots__ = ("_booted", "_process", "_schedule", "_wall")

    def __init__(self, process: Process, wall: WallClock, booted: int = 0) -> None:
        self._process = process
        self._schedule = process.schedule
        self._wall = wall
        self._booted = booted

    def now(self) -> int:
        return (self._schedule.micros - self._booted) // 1_000

    def micros(self) -> int:
        return self._schedule.micros - self._booted

    def wall(self) -> int:
        return self._schedule.micros // 1_000 + self._wall.offset

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        return self._process.after(when * 1_000 + self._booted - self._schedule.micros, callback)

    def call_soon(self, callback: Callable[[], None]) -> Timer:
        return self._process.call_soon(callback)

    async def sleep(self, ms: int) -> None:
        woken = self.future()
        self._process.after(ms * 1_000, _wake, woken)
        await woken

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> Task:
        return RealTask(self._process.create_task(work, name=name))

    def future(self) -> Future[Any]:
        return self._process.create_future()


def _wake(future: Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
