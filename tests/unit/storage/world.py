"""A disk that can be full, fail, and lose what was not synced; a clock that stands still; chance from a seed."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any


class Inode:
    def __init__(self) -> None:
        self.data = bytearray()
        self.durable = b""
        self.modified = 0


class MemoryFile:
    def __init__(self, disk: MemoryDisk, path: str, inode: Inode) -> None:
        self.disk = disk
        self.path = path
        self.inode = inode
        self.pins = 0
        self.closed = False

    def _check(self) -> None:
        if self.disk.broken:
            raise OSError(errno.EIO, "Input/output error", self.path)

    def size(self) -> int:
        return len(self.inode.data)

    def write(self, parts: Sequence[bytes | memoryview], at: int) -> None:
        assert not self.closed, f"{self.path} is closed"
        self._check()
        data = b"".join(parts)
        room = self.disk.room
        taken = data if room is None else data[: max(room, 0)]
        held = self.inode.data
        if len(held) < at:
            held += bytes(at - len(held))
        held[at : at + len(taken)] = taken
        if room is not None:
            self.disk.room = room - len(taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, "No space left on device", self.path)

    def read(self, size: int, at: int) -> bytes:
        self._check()
        return bytes(self.inode.data[at : at + size])

    def read_warm(self, size: int, at: int) -> bytes | None:
        return self.read(size, at)

    def is_warm(self, size: int, at: int) -> bool:
        return True

    async def read_cold(self, size: int, at: int) -> bytes:
        return self.read(size, at)

    async def sync(self) -> None:
        await asyncio.sleep(0)
        self.sync_now()

    def sync_now(self) -> None:
        self._check()
        self.disk.syncs.append(self.path)
        self.inode.durable = bytes(self.inode.data)

    def truncate(self, size: int) -> None:
        self._check()
        del self.inode.data[size:]
        self.inode.durable = self.inode.durable[:size]

    def close(self) -> None:
        self.closed = True

    def pin(self) -> None:
        self.pins += 1

    def unpin(self) -> None:
        self.pins -= 1


class MemoryLock:
    def __init__(self, disk: MemoryDisk, path: str) -> None:
        self.disk, self.path = disk, path

    def release(self) -> None:
        self.disk.locks.discard(self.path)


class MemoryDisk:
    """Files in memory. Names are durable at once; contents only after a sync (a truncation takes effect at once)."""

    def __init__(self) -> None:
        self.files: dict[str, Inode] = {}
        self.directories: set[str] = {"/"}
        self.locks: set[str] = set()
        self.syncs: list[str] = []
        self.room: int | None = None
        self.broken = False

    def lose_power(self, chance: random.Random) -> None:
        """What was not synced is kept in part: cut at some point, or zeros from some point on."""
        for inode in self.files.values():
            unsynced = len(inode.data) - len(inode.durable)
            if unsynced > 0:
                kept = len(inode.durable) + chance.randint(0, unsynced)
                zeros = chance.randint(0, len(inode.data) - kept) if chance.random() < 0.3 else 0
                inode.data = inode.data[:kept] + bytearray(zeros)
            elif bytes(inode.data) != inode.durable and chance.random() < 0.5:
                inode.data = bytearray(inode.durable)
            inode.durable = bytes(inode.data)
        self.locks.clear()

    def open(self, path: str, *, create: bool = False) -> MemoryFile:
        if path not in self.files:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            if self.broken:
                raise OSError(errno.EIO, "Input/output error", path)
            self.files[path] = Inode()
        return MemoryFile(self, path, self.files[path])

    def exists(self, path: str) -> bool:
        return path in self.files or path in self.directories

    def is_directory(self, path: str) -> bool:
        return path in self.directories

    def size(self, path: str) -> int:
        return len(self.files[path].data)

    def modified(self, path: str) -> int:
        return self.files[path].modified

    def set_modified(self, path: str, wall: int) -> None:
        self.files[path].modified = wall

    def list(self, path: str) -> list[str]:
        start = path.rstrip("/") + "/"
        names = (each[len(start) :] for each in (*self.files, *self.directories) if each.startswith(start))
        return sorted({name.split("/")[0] for name in names if name})

    def make_directory(self, path: str) -> None:
        while path and path != "/":
            self.directories.add(path)
            path = path.rpartition("/")[0]

    def rename(self, old: str, new: str) -> None:
        if self.broken:
            raise OSError(errno.EIO, "Input/output error", old)
        if old in self.files:
            self.files[new] = self.files.pop(old)
            return
        if old not in self.directories:
            raise FileNotFoundError(errno.ENOENT, "no such file", old)
        for path in [path for path in self.files if path.startswith(old + "/")]:
            self.files[new + path[len(old) :]] = self.files.pop(path)
        self.directories.discard(old)
        self.directories.add(new)

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def remove_tree(self, path: str) -> None:
        for each in [each for each in self.files if each.startswith(path + "/")]:
            del self.files[each]
        self.directories.discard(path)

    def sync_directory(self, path: str) -> None:
        self.syncs.append(path)

    async def sync_volume(self, path: str) -> None:
        if self.broken:
            raise OSError(errno.EIO, "Input/output error", path)
        for inode in self.files.values():
            inode.durable = bytes(inode.data)

    def usage(self, path: str) -> tuple[int, int]:
        return 1 << 30, 1 << 30 if self.room is None else self.room

    def lock(self, path: str) -> MemoryLock:
        if path in self.locks:
            raise BlockingIOError(errno.EAGAIN, f"{path} is locked")
        self.locks.add(path)
        return MemoryLock(self, path)

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    async def child(self, entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
        raise AssertionError("logs this small are recovered in place")


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


class SeededChance:
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)
