"""The Disk door on a volume, without time and without mishaps: what programs see of a disk that forgets.

`VolumeDisk` alone is a disk for tests: every call is done when it returns. A simulated process gets a `SimDisk`, which
lays time and mishaps over it (`ottla.sim.disk.disk`).
"""

from __future__ import annotations

import errno
import os
import types
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

from ottla.sim.disk.children import run_child
from ottla.sim.disk.inode import Inode, Snapshot
from ottla.sim.disk.volume import Volume

T = TypeVar("T")

TOTAL_BYTES: Final = 1 << 30


@types.coroutine
def one_turn() -> Generator[None, None, None]:
    """Let the others of this loop go on, whichever loop it is."""
    yield


class VolumeFile:
    """See `world.doors.File`."""

    __slots__ = ("_closed", "_disk", "_inode", "_open", "_path", "_pins")

    def __init__(self, disk: VolumeDisk, path: str, inode: Inode) -> None:
        self._disk = disk
        self._path = path
        self._inode = inode
        self._open = True
        self._closed = False
        self._pins = 0

    @property
    def path(self) -> str:
        return self._path

    def _held(self) -> Inode:
        """The file itself, opened by its name again if need be. Raises OSError, ValueError once closed."""
        if self._open and not self._pins and self._disk.evicts():
            self._open = False
        if not self._open:
            if self._closed:
                raise ValueError(f"{self._path} is closed")
            self._inode = self._disk.volume.inode(self._path)
            self._open = True
        return self._inode

    def size(self) -> int:
        self._disk.alive()
        return len(self._held().data)

    def write(self, parts: Sequence[bytes | memoryview], at: int) -> None:
        inode = self._held()
        data = b"".join(parts)
        self._disk.change("write", self._path, f"{len(data)} at {at}")
        volume = self._disk.volume
        grown = max(at + len(data) - len(inode.data), 0)
        taken = len(data) - grown + volume.take_room(grown)
        inode.write(data[:taken], at)
        inode.modified = self._disk.wall()
        if taken < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    def read(self, size: int, at: int) -> bytes:
        inode = self._held()
        self._disk.look("read", self._path)
        return bytes(inode.data[at : at + size])

    def read_warm(self, size: int, at: int) -> bytes | None:
        return self.read(size, at) if self.is_warm(size, at) else None

    def is_warm(self, size: int, at: int) -> bool:
        self._held()
        return not self._disk.is_cold()

    async def read_cold(self, size: int, at: int) -> bytes:
        self.pin()
        try:
            return await self._disk.slowly(lambda: self.read(size, at))
        finally:
            self.unpin()

    async def sync(self) -> None:
        self.pin()
        try:
            inode = self._held()
            self._disk.change("sync", self._path, "begins")
            snapshot = inode.snapshot()
            await self._disk.in_kernel(lambda: self._synced(inode, snapshot))
            self._disk.note("sync", self._path, "done")
        finally:
            self.unpin()

    def _synced(self, inode: Inode, snapshot: Snapshot) -> None:
        if not self._disk.volume.lies("sync", self._path):
            inode.write_down(snapshot)

    def sync_now(self) -> None:
        inode = self._held()
        self._disk.change("sync", self._path, "now")
        self._synced(inode, inode.snapshot())

    def truncate(self, size: int) -> None:
        inode = self._held()
        self._disk.change("truncate", self._path, f"{len(inode.data)} to {size}")
        self._disk.volume.give_room(max(len(inode.data) - size, 0))
        inode.truncate(size)
        inode.modified = self._disk.wall()

    def close(self) -> None:
        self._closed = True
        if not self._pins:
            self._open = False

    def pin(self) -> None:
        self._held()
        self._pins += 1
        self._disk.pinned(self, 1)

    def unpin(self) -> None:
        self._pins -= 1
        self._disk.pinned(self, -1)
        if self._closed and not self._pins:
            self._open = False

    def __repr__(self) -> str:
        return f"VolumeFile({self._path})"


class VolumeLock:
    """A directory that is one process's own."""

    def __init__(self, volume: Volume, path: str) -> None:
        self._volume = volume
        self._path = path

    def release(self) -> None:
        if self._volume.locks.get(self._path) is self:
            del self._volume.locks[self._path]


class VolumeDisk:
    """See `world.doors.Disk`. `wall` dates changes."""

    def __init__(self, volume: Volume, wall: Callable[[], int] = lambda: 0) -> None:
        self.volume = volume
        self.wall = wall
        self.pins: dict[str, int] = {}
        """Path -> how often it is held open by slices and slow calls."""

    def pinned(self, file: VolumeFile, by: int) -> None:
        count = self.pins.get(file.path, 0) + by
        if count:
            self.pins[file.path] = count
        else:
            del self.pins[file.path]

    # -- what may be laid over it

    def alive(self) -> None:
        """Called first of all, whatever is asked."""

    def note(self, operation: str, path: str, what: str = "") -> None:
        """Something changes, or has changed."""

    def change(self, operation: str, path: str, what: str = "") -> None:
        """Before anything changes. Raises OSError when it must fail."""
        self.note(operation, path, what)
        self.volume.watch(operation, path)
        self.volume.check(operation, path)

    def look(self, operation: str, path: str) -> None:
        """Before anything is read. Raises OSError when it must fail."""
        self.volume.check(operation, path)

    def evicts(self) -> bool:
        """Whether a file that nobody holds has been closed meanwhile."""
        return False

    def is_cold(self) -> bool:
        return False

    async def a_while(self) -> None:
        """As long as a slow call takes."""
        await one_turn()

    async def slowly(self, work: Callable[[], T]) -> T:
        """On a thread, as it were."""
        await self.a_while()
        return work()

    async def in_kernel(self, work: Callable[[], None]) -> None:
        """The machine does it in its own time."""
        await self.a_while()
        work()

    # -- the door

    def open(self, path: str, *, create: bool = False) -> VolumeFile:
        self.look("open", path)
        found = self.volume.find(path)
        if found is None and create:
            self.change("create", path)
            found = self.volume.make_file(path)
            found.modified = self.wall()
        return VolumeFile(self, path, found if isinstance(found, Inode) else self.volume.inode(path))

    def exists(self, path: str) -> bool:
        self.alive()
        return self.volume.find(path) is not None

    def is_directory(self, path: str) -> bool:
        self.alive()
        found = self.volume.find(path)
        return found is not None and not isinstance(found, Inode)

    def size(self, path: str) -> int:
        self.look("stat", path)
        return len(self.volume.inode(path).data)

    def modified(self, path: str) -> int:
        self.look("stat", path)
        return self.volume.inode(path).modified

    def set_modified(self, path: str, wall: int) -> None:
        self.change("utime", path)
        self.volume.inode(path).modified = wall

    def list(self, path: str) -> list[str]:
        self.look("list", path)
        return sorted(self.volume.directory(path).entries)

    def make_directory(self, path: str) -> None:
        self.change("mkdir", path)
        self.volume.make_directory(path)

    def rename(self, old: str, new: str) -> None:
        self.change("rename", old, f"to {new}")
        self.volume.rename(old, new)

    def remove(self, path: str) -> None:
        self.change("remove", path)
        found = self.volume.find(path)
        if isinstance(found, Inode):
            self.volume.give_room(len(found.data))
        elif found is not None:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self.volume.remove(path)

    def remove_tree(self, path: str) -> None:
        """File by file, so that a crash can come in between."""
        found = self.volume.find(path)
        if found is None:
            return
        for name in sorted(self.volume.directory(path).entries):
            below = f"{path}/{name}"
            if self.is_directory(below):
                self.remove_tree(below)
            else:
                self.remove(below)
        self.change("rmdir", path)
        self.volume.remove(path)

    def sync_directory(self, path: str) -> None:
        self.change("sync_directory", path)
        directory = self.volume.directory(path)
        if not self.volume.lies("sync_directory", path):
            directory.sync()

    async def sync_volume(self, path: str) -> None:
        self.change("sync_volume", path)
        if not self.volume.lies("sync_volume", path):
            await self.in_kernel(self.volume.root.sync_all)

    def usage(self, path: str) -> tuple[int, int]:
        self.look("statfs", path)
        room = self.volume.room
        return TOTAL_BYTES, TOTAL_BYTES if room is None else max(room, 0)

    def lock(self, path: str) -> VolumeLock:
        self.change("lock", path)
        if path in self.volume.locks:
            raise BlockingIOError(errno.EAGAIN, f"{path} is locked by another process")
        if self.volume.find(path) is None:
            self.volume.make_file(path)
        lock = self.volume.locks[path] = VolumeLock(self.volume, path)
        return lock

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        return await self.slowly(lambda: work(*args))

    async def child(self, entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
        """In the same machine, on the same volume: see `children`."""
        said: list[str] = []
        answer = await self.slowly(lambda: run_child(entry, plan, self, said.append))
        for text in said:
            await self.a_while()
            if progress is not None:
                progress(text)
        await self.a_while()
        return answer
