"""Open files of the real disk, and the bound on how many there are.

A node with ten thousand partitions owns some thirty thousand files; the kernel lets a process keep a limited number of
descriptors. A `RealFile` therefore is a path that is opened when it is needed. `OpenFiles` keeps at most `bound` of
them open and closes those not used lately, by the clock algorithm ("second chance"): a use only sets a flag, so the
hot path pays nothing for it. A pinned file (a slice of it is on its way to a socket) is never closed, not even when
its owner closes it or somebody removes it meanwhile.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ottla.world.real import page_cache

_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)
_PROBE_STEP: Final = 64 * 1024
"""Half of Linux's default read-ahead window: whoever read one byte of it brought in its neighbours."""

_IOV_MAX: Final = 1024

Runner = Callable[..., Awaitable[Any]]


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one; returns what holds afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard
    if hard == resource.RLIM_INFINITY or (sys.platform == "darwin" and hard > 10_240):
        wanted = 10_240 if sys.platform == "darwin" else 1 << 20
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
        return wanted
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


class OpenFiles:
    """At most `bound` open descriptors among the files that share it."""

    __slots__ = ("_files", "bound")

    def __init__(self, bound: int) -> None:
        self.bound = max(bound, 8)
        self._files: dict[RealFile, None] = {}

    def __len__(self) -> int:
        return len(self._files)

    def admit(self, file: RealFile) -> None:
        """`file` was just opened: make room if that was one too many."""
        self._files[file] = None
        if len(self._files) > self.bound:
            self._make_room(file)

    def leave(self, file: RealFile) -> None:
        self._files.pop(file, None)

    def _make_room(self, newcomer: RealFile) -> None:
        for _ in range(2 * len(self._files)):
            file = next(iter(self._files))
            del self._files[file]
            if file is newcomer or file.busy:
                self._files[file] = None
            elif file.used:
                file.used = False
                self._files[file] = None
            else:
                file.shut()
                return


class RealFile:
    """A file of the operating system. See `world.doors.File` for the contract."""

    __slots__ = ("_closed", "_fd", "_open_files", "_path", "_pins", "_run", "used")

    def __init__(self, path: str, open_files: OpenFiles, run: Runner) -> None:
        self._path = path
        self._open_files = open_files
        self._run = run
        self._fd = -1
        self._pins = 0
        self._closed = False
        self.used = True

    @property
    def path(self) -> str:
        return self._path

    @property
    def busy(self) -> bool:
        return self._pins > 0

    def fileno(self) -> int:
        """The descriptor, opened if need be. Stays valid only while the file is pinned."""
        self.used = True
        return self._fd if self._fd >= 0 else self._open(os.O_RDWR)

    def create(self) -> None:
        """Open now, making the file if it is missing."""
        self._open(os.O_RDWR | os.O_CREAT)

    def _open(self, flags: int) -> int:
        if self._closed:
            raise ValueError(f"{self._path} is closed")
        try:
            self._fd = os.open(self._path, flags | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES) or flags & os.O_CREAT:
                raise
            # A volume that turned read-only still serves reads; a write to this descriptor fails as it should.
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self._open_files.admit(self)
        return self._fd

    def shut(self) -> None:
        """Give the descriptor back; the next call opens the file again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def size(self) -> int:
        return os.fstat(self._fd if self._fd >= 0 else self.fileno()).st_size

    def write(self, parts: Sequence[bytes | memoryview], at: int) -> None:
        self.used = True
        fd = self._fd if self._fd >= 0 else self.fileno()
        written = os.pwritev(fd, parts if len(parts) <= _IOV_MAX else parts[:_IOV_MAX], at)
        total = 0
        for part in parts:
            total += len(part)
        if written != total:
            self._write_rest(parts, at, written, total)

    def _write_rest(self, parts: Sequence[bytes | memoryview], at: int, written: int, total: int) -> None:
        """Continue a short write: a signal, a nearly full disk, or more parts than one call takes."""
        fd = self.fileno()
        while written < total:
            rest: list[bytes | memoryview] = []
            skip = written
            for part in parts:
                if skip >= len(part):
                    skip -= len(part)
                else:
                    rest.append(memoryview(part)[skip:] if skip else part)
                    skip = 0
                    if len(rest) == _IOV_MAX:
                        break
            count = os.pwritev(fd, rest, at + written)
            if count == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
            written += count

    def read(self, size: int, at: int) -> bytes:
        self.used = True
        return os.pread(self._fd if self._fd >= 0 else self.fileno(), size, at)

    def read_warm(self, size: int, at: int) -> bytes | None:
        fd = self.fileno()
        if not _NOWAIT:
            return os.pread(fd, size, at)
        size = min(size, max(os.fstat(fd).st_size - at, 0))
        buffer = bytearray(size)
        try:
            count = os.preadv(fd, [buffer], at, _NOWAIT) if size else 0
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            return os.pread(fd, size, at)
        return bytes(buffer) if count == size else None

    def is_warm(self, size: int, at: int) -> bool:
        if not _NOWAIT or size <= 0:
            return True
        fd = self.fileno()
        held = page_cache.holds(fd, size, at)
        if held is not None:
            return held
        return self._seems_warm(fd, size, at)

    def _seems_warm(self, fd: int, size: int, at: int) -> bool:
        """Samples, for kernels that do not count."""
        byte = bytearray(1)
        last = at + size - 1
        try:
            for position in (*range(at, last, _PROBE_STEP), last):
                if os.preadv(fd, [byte], position, _NOWAIT) == 0:
                    return True
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
        return True

    async def read_cold(self, size: int, at: int) -> bytes:
        self.pin()
        try:
            data: bytes = await self._run(os.pread, self._fd, size, at)
            return data
        finally:
            self.unpin()

    async def sync(self) -> None:
        self.pin()
        try:
            await self._run(os.fsync, self._fd)
        finally:
            self.unpin()

    def sync_now(self) -> None:
        os.fsync(self.fileno())

    def truncate(self, size: int) -> None:
        os.ftruncate(self.fileno(), size)

    def close(self) -> None:
        self._closed = True
        if not self._pins:
            self._open_files.leave(self)
            self.shut()

    def pin(self) -> None:
        if self._fd < 0:
            self.fileno()
        self._pins += 1

    def unpin(self) -> None:
        self._pins -= 1
        if self._closed and not self._pins:
            self._open_files.leave(self)
            self.shut()

    def __repr__(self) -> str:
        return f"RealFile({self._path})"
