"""A disk that can be full, fail, and lose what was not synced; a clock that stands still; chance from a seed."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from ottla.sim.chance import SeededChance
from ottla.sim.disk.files import VolumeDisk, VolumeFile
from ottla.sim.disk.inode import Inode
from ottla.sim.disk.volume import Volume

__all__ = ["MemoryDisk", "SeededChance", "StillClock", "VolumeFile"]


class Files(Mapping[str, Inode]):
    """Path -> file, of everything on a volume, for tests that look or put their hands on it."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    def __getitem__(self, path: str) -> Inode:
        found = self._volume.find(path)
        if not isinstance(found, Inode):
            raise KeyError(path)
        return found

    def __delitem__(self, path: str) -> None:
        self._volume.remove(path)

    def __iter__(self) -> Iterator[str]:
        return iter(
            [
                f"{above.rstrip('/')}/{name}"
                for above, directory in self._volume.root.walk()
                for name, node in sorted(directory.entries.items())
                if isinstance(node, Inode)
            ]
        )

    def __len__(self) -> int:
        return len(list(iter(self)))


class MemoryDisk(VolumeDisk):
    """A volume of its own. `room` bounds what can be written yet, `broken` fails everything."""

    def __init__(self) -> None:
        super().__init__(Volume())
        self.files = Files(self.volume)
        self.syncs: list[str] = []
        """What was synced: files and directories."""

    def note(self, operation: str, path: str, what: str = "") -> None:
        if operation.startswith("sync") and what != "done":
            self.syncs.append(path)

    @property
    def room(self) -> int | None:
        return self.volume.room

    @room.setter
    def room(self, count: int | None) -> None:
        self.volume.room = count

    @property
    def broken(self) -> bool:
        return bool(self.volume.broken)

    @broken.setter
    def broken(self, broken: bool) -> None:
        self.volume.broken = {"": errno.EIO} if broken else {}

    def lose_power(self, chance: SeededChance) -> None:
        self.volume.lose_power(chance)


class Timer:
    def __init__(self, when: int, callback: Callable[[], None]) -> None:
        self.when, self.callback = when, callback

    def cancel(self) -> None:
        self.callback = lambda: None


class StillClock:
    """Time moves only by `pass_ms`."""

    def __init__(self, wall: int = 1_700_000_000_000) -> None:
        self._now = 1000
        self._wall = wall
        self.timers: list[Timer] = []

    def now(self) -> int:
        return self._now

    def micros(self) -> int:
        return self._now * 1000

    def wall(self) -> int:
        return self._wall

    def pass_ms(self, ms: int) -> None:
        self._now += ms
        self._wall += ms
        due = [timer for timer in self.timers if timer.when <= self._now]
        self.timers = [timer for timer in self.timers if timer.when > self._now]
        for timer in due:
            timer.callback()

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        timer = Timer(when, callback)
        self.timers.append(timer)
        return timer

    def call_soon(self, callback: Callable[[], None]) -> Timer:
        return self.call_at(self._now, callback)

    async def sleep(self, ms: int) -> None:
        if not ms:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        self.call_at(self._now + ms, lambda: done.cancelled() or done.set_result(None))
        await done

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work, name=name)

    def future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()
