"""The Disk door for data that nobody will miss: it never waits for the disk.

What was written survives the death of a process, since the kernel has it, and nothing else: a loss of power takes it. Many
files of throw-away nodes are gone again before the kernel has written them anywhere.
"""

from __future__ import annotations

from ottla.world.real.disk import RealDisk
from ottla.world.real.files import RealFile


class UnsyncedFile(RealFile):
    """A file whose writes are left to the kernel."""

    __slots__ = ()

    async def sync(self) -> None:
        return

    def sync_now(self) -> None:
        return


class UnsyncedDisk(RealDisk):
    """As `RealDisk`, without durability."""

    def _file(self, path: str) -> RealFile:
        return UnsyncedFile(path, self._open_files, self.run)

    def sync_directory(self, path: str) -> None:
        return

    async def sync_volume(self, path: str) -> None:
        return
