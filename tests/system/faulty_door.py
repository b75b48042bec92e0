"""The disk that fails on demand where no file system can be mounted: the real Disk door with faults laid over it.

The same switch as `faulty_disk.FaultyDisk`. What a child process does and what the kernel sends by itself is not met.
"""

from __future__ import annotations

import errno as numbers
import os
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ottla.world.real.disk import RealDisk, RealLock
from ottla.world.real.files import RealFile


class FaultyFile(RealFile):
    """Asks the door before every call."""

    __slots__ = ("door",)
    door: FaultyDoor

    def write(self, parts: Sequence[bytes | memoryview], at: int) -> None:
        self.door.meet("write", self.path)
        super().write(parts, at)

    def read(self, size: int, at: int) -> bytes:
        self.door.meet("read", self.path)
        return super().read(size, at)

    def is_warm(self, size: int, at: int) -> bool:
        return super().is_warm(size, at) and not self.door.has_rule("read", self.path)

    async def read_cold(self, size: int, at: int) -> bytes:
        await self.door.meet_slowly("read", self.path)
        return await super().read_cold(size, at)

    async def sync(self) -> None:
        await self.door.meet_slowly("fsync", self.path)
        await super().sync()

    def sync_now(self) -> None:
        self.door.meet("fsync", self.path)
        super().sync_now()

    def truncate(self, size: int) -> None:
        self.door.meet("truncate", self.path)
        super().truncate(size)

    def size(self) -> int:
        self.door.meet("getattr", self.path)
        return super().size()

    def _open(self, flags: int) -> int:
        self.door.meet(
            "create" if flags & os.O_CREAT and not os.path.exists(self.path) else "open", self.path
        )
        return super()._open(flags)


class FaultyDoor(RealDisk):
    """See the module. `path` and `behind` are the same directory: the faults are in the door."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.path = self.behind = directory / "disk"
        self.path.mkdir(parents=True)
        self._rules: list[dict[str, Any]] = []
        self._hits: list[str] = []

    # -- the switch

    def fail(self, operation: str, path: str = "*", *, errno: str | None = None, seconds: float = 0) -> None:
        self._rules.append({"operation": operation, "path": path, "errno": errno, "seconds": seconds})

    def heal(self) -> None:
        self._rules.clear()

    def hits(self) -> list[str]:
        return self._hits

    def forget(self, pattern: str) -> None:
        """Nothing to do: reads are asked for whatever the page cache holds."""

    def unmount(self) -> None:
        self.close()

    def has_rule(self, operation: str, path: str) -> bool:
        return any(self._matches(rule, operation, path) for rule in self._rules)

    def meet(self, operation: str, path: str) -> None:
        for rule in self._rules:
            if self._matches(rule, operation, path):
                self._hits.append(f"{operation} {path}")
                time.sleep(rule["seconds"])
                if rule["errno"] is not None:
                    raise OSError(getattr(numbers, rule["errno"]), "a fault on demand", path)

    async def meet_slowly(self, operation: str, path: str) -> None:
        await self.run(self.meet, operation, path)

    def _matches(self, rule: dict[str, Any], operation: str, path: str) -> bool:
        return rule["operation"] in (operation, "any") and fnmatch(
            path.removeprefix(str(self.path)), rule["path"]
        )

    # -- the door

    def open(self, path: str, *, create: bool = False) -> RealFile:
        file = FaultyFile(path, self._open_files, self.run)
        file.door = self
        if create:
            file.create()
        else:
            self.meet("getattr", path)
            if not os.path.exists(path):
                raise FileNotFoundError(numbers.ENOENT, "no such file", path)
        return file

    def size(self, path: str) -> int:
        self.meet("getattr", path)
        return super().size(path)

    def list(self, path: str) -> list[str]:
        self.meet("readdir", path)
        return super().list(path)

    def make_directory(self, path: str) -> None:
        self.meet("mkdir", path)
        super().make_directory(path)

    def rename(self, old: str, new: str) -> None:
        self.meet("rename", old)
        super().rename(old, new)

    def remove(self, path: str) -> None:
        if os.path.exists(path):
            self.meet("unlink", path)
        super().remove(path)

    def remove_tree(self, path: str) -> None:
        self.meet("unlink", f"{path}/")
        super().remove_tree(path)

    def sync_directory(self, path: str) -> None:
        self.meet("fsyncdir", path)
        super().sync_directory(path)

    async def sync_volume(self, path: str) -> None:
        await self.meet_slowly("fsync", path)
        await super().sync_volume(path)

    def usage(self, path: str) -> tuple[int, int]:
        self.meet("statfs", path)
        return super().usage(path)

    def lock(self, path: str) -> RealLock:
        self.meet("open", path)
        return super().lock(path)
