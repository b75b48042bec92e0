"""The disk of one simulated process: `VolumeDisk` with time, with a process that can die, and with all that is awkward.

What the real door does on threads takes virtual time here: the call is under way, others go on, and its end comes in an
order that the seed decides. A sync writes down what was there when it began, when it ends. The bytes of a file are warm
or cold by chance, and a file that is not pinned may have been closed by a bounded cache and is opened by its name again:
both are allowed by the contract of the door, so a node has to live with them.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import TypeVar

from ottla.sim.chance import SeededChance
from ottla.sim.disk.files import VolumeDisk, VolumeLock
from ottla.sim.disk.volume import Volume
from ottla.sim.process import Process

T = TypeVar("T")


class Pace:
    """How fast a disk is (microseconds) and how often it is in an awkward state."""

    __slots__ = ("cold_share", "evicts_share", "long_micros", "long_share", "short_micros")

    def __init__(
        self,
        *,
        short_micros: int = 300,
        long_micros: int = 20_000,
        long_share: float = 0.1,
        cold_share: float = 0.1,
        evicts_share: float = 0.02,
    ) -> None:
        self.short_micros = short_micros
        self.long_micros = long_micros
        self.long_share = long_share
        self.cold_share = cold_share
        self.evicts_share = evicts_share

    def micros(self, chance: SeededChance) -> int:
        """How long the next slow call takes."""
        bound = self.long_micros if chance.often(self.long_share) else self.short_micros
        return 20 + chance.below(bound)


def finish(done: Future[None]) -> None:
    if not done.done():
        done.set_result(None)


class SimDisk(VolumeDisk):
    """The Disk door of one process on the volume of its machine."""

    def __init__(
        self, process: Process, volume: Volume, chance: SeededChance, wall: Callable[[], int], pace: Pace
    ) -> None:
        super().__init__(volume, wall)
        self.process = process
        self._chance = chance
        self._pace = pace

    def alive(self) -> None:
        self.process.check()

    def note(self, operation: str, path: str, what: str = "") -> None:
        schedule = self.process.schedule
        schedule.trace.note(schedule.micros, self.process.name, f"{operation} {path} {what}")

    def change(self, operation: str, path: str, what: str = "") -> None:
        """Raises OSError when it must fail, ProcessEnded in a dead process, and when this very call is its end."""
        self.process.check()
        self.note(operation, path, what)
        self.volume.watch(operation, path)
        self.process.check()
        self.volume.check(operation, path)

    def look(self, operation: str, path: str) -> None:
        self.process.check()
        self.volume.check(operation, path)

    def evicts(self) -> bool:
        return self._chance.often(self._pace.evicts_share)

    def is_cold(self) -> bool:
        return self._chance.often(self._pace.cold_share)

    def lock(self, path: str) -> VolumeLock:
        lock = super().lock(path)
        self.process.ended.append(lock.release)
        return lock

    # -- slow calls

    async def a_while(self) -> None:
        await self._pass(self._pace.micros(self._chance))

    async def slowly(self, work: Callable[[], T]) -> T:
        """Done at one end of the time it takes or at the other."""
        if self._chance.often(0.5):
            result = work()
            await self.a_while()
            return result
        await self.a_while()
        return work()

    async def _pass(self, micros: int) -> None:
        done = self.process.create_future()
        self.process.after(micros, finish, done)
        await done

    async def in_kernel(self, work: Callable[[], None]) -> None:
        """The machine does it in its own time, whether or not the process lives to see it."""
        done = self.process.create_future()

        def ends() -> None:
            if boot != self.volume.boots:
                return
            work()
            self.process.call_soon(finish, done)

        boot = self.volume.boots
        self.process.schedule.after(self._pace.micros(self._chance), ends)
        await done
