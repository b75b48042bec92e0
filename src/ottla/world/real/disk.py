"""The Disk door on a real operating system.

Reads and writes of the hot path are plain `pread`/`pwritev` on the calling thread. A small pool of threads takes the
calls that wait and release the GIL (fsync, cold reads, big codecs); work that would hold it (compaction, long
recoveries) is done by a process of its own, see `world.real.child`.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from ottla.world.real.child import run_child
from ottla.world.real.files import OpenFiles, RealFile, raise_descriptor_limit

T = TypeVar("T")

_THREADS: Final = 4
_DESCRIPTORS_ELSEWHERE: Final = 64
"""Left to sockets, listeners and pipes even under the smallest limit."""


def _sync_volume(path: str) -> None:
    """syncfs(2), which reports errors of the volume; where there is none sync(2), which does not."""
    import ctypes

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if syncfs(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(fd)


class RealLock:
    """A `.lock` file held by this process."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RealDisk:
    """See `world.doors.Disk`. One per node; `open_files` bounds its descriptors (None: half of what the limit allows)."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        open_files: int | None = None,
        threads: int = _THREADS,
    ) -> None:
        self._loop = loop
        limit = raise_descriptor_limit()
        self._open_files = OpenFiles(open_files or max((limit - _DESCRIPTORS_ELSEWHERE) // 2, 8))
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="ottla-disk")

    def open(self, path: str, *, create: bool = False) -> RealFile:
        file = self._file(path)
        if create:
            file.create()
        elif not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return file

    def _file(self, path: str) -> RealFile:
        return RealFile(path, self._open_files, self.run)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(path)

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def modified(self, path: str) -> int:
        return os.stat(path).st_mtime_ns // 1_000_000

    def set_modified(self, path: str, wall: int) -> None:
        os.utime(path, ns=(wall * 1_000_000, wall * 1_000_000))

    def list(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def make_directory(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def remove(self, path: str) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass

    def remove_tree(self, path: str) -> None:
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            pass

    def sync_directory(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    async def sync_volume(self, path: str) -> None:
        await self.run(_sync_volume, path)

    def usage(self, path: str) -> tuple[int, int]:
        volume = os.statvfs(path)
        return volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize

    def lock(self, path: str) -> RealLock:
        """Takes both kinds of lock: the POSIX one keeps Apache Kafka out, `flock` another node of this process."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise BlockingIOError(error.errno, f"{path} is locked by another process") from error
        return RealLock(fd)

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        loop = self._loop or asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, *args)

    async def child(self, entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
        return await run_child(entry, plan, progress)

    def close(self) -> None:
        """End the threads. Files still open stay usable by whoever holds them."""
        self._pool.shutdown(wait=True)
