"""A disk that fails on demand: a file system in a process of its own that passes everything through to a directory.

`FaultyDisk` mounts it and is the switch. While rules are set, the calls they name fail (`errno`) or take long (`seconds`):

    disk.fail("write", "*/orders-0/*.log", errno="EIO")
    disk.fail("fsync", "*", seconds=5)
    disk.heal()

The kernel keeps what it has read in its page cache, so a `read` rule bites only on what is not in there: see `forget`.
Needs root, `/dev/fuse`, libfuse 3 (Debian: libfuse3-3) and mfusepy; skips where one of them is missing.
"""

from __future__ import annotations

import contextlib
import errno as numbers
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

OPERATIONS = frozenset(
    "create fsync fsyncdir getattr mkdir open read readdir rename rmdir statfs truncate unlink utimens write".split()  # noqa: SIM905
)
STAT = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks", "st_ino")
STAT_TIMES = ("st_atime", "st_mtime", "st_ctime")
STATVFS = (
    "f_bavail",
    "f_bfree",
    "f_blocks",
    "f_bsize",
    "f_favail",
    "f_ffree",
    "f_files",
    "f_flag",
    "f_frsize",
)
READY_SECONDS = 10


class FaultyDisk:
    """A mounted file system. `path` is where a node lives on it, `behind` the same directory without the faults."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "disk"
        self.behind = directory / "behind"
        self._rules_file = directory / "rules.json"
        self._hits_file = directory / "hits"
        self._rules: list[dict[str, Any]] = []
        for each in (self.path, self.behind):
            each.mkdir(parents=True)
        self._set([])
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.path), str(self.behind), str(self._rules_file)],
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + READY_SECONDS
        while not os.path.ismount(self.path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError("the faulty disk could not be mounted")
            time.sleep(0.02)

    def fail(
        self,
        operation: str,
        path: str = "*",
        *,
        errno: str | None = None,
        seconds: float = 0,
    ) -> None:
        """From now on `operation` ("any": each of them) fails on paths that match. Patterns begin at the mount."""
        assert operation == "any" or operation in OPERATIONS, operation
        rule = {"operation": operation, "path": path, "errno": errno, "seconds": seconds}
        self._set([*self._rules, rule])

    def heal(self) -> None:
        """No faults from now on."""
        self._set([])

    def hits(self) -> list[str]:
        """ "operation path" of every call that a rule was applied to."""
        return self._hits_file.read_text().splitlines() if self._hits_file.exists() else []

    def forget(self, pattern: str) -> None:
        """Drop the matching files from the page cache: whoever reads them asks this disk again."""
        for path in self.path.glob(pattern):
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def unmount(self) -> None:
        self._set([])
        subprocess.run(["umount", "-l", str(self.path)], check=True)
        # Whoever still has a file of it open would keep it alive.
        self._process.kill()
        self._process.wait()

    def _set(self, rules: list[dict[str, Any]]) -> None:
        self._rules = rules
        fresh = self._rules_file.with_suffix(".new")
        fresh.write_text(json.dumps(rules))
        fresh.replace(self._rules_file)


def missing() -> str | None:
    """What this machine lacks for a faulty disk, or None."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "needs root and /dev/fuse"
    try:
        import mfusepy  # type: ignore[import-untyped] # noqa: F401
    except (ImportError, OSError) as error:
        return f"needs mfusepy and libfuse3-3 (Debian): {error}"
    return None


@contextlib.contextmanager
def faulty_disk(directory: Path) -> Iterator[FaultyDisk]:
    disk = FaultyDisk(directory)
    try:
        yield disk
    finally:
        disk.unmount()


# -- the process that serves it ----------------------------------------------------------------------------------


class Faults:
    """The rules, read anew for every call."""

    def __init__(self, rules_file: str) -> None:
        self._file = rules_file
        self._hits = os.open(
            os.path.join(os.path.dirname(rules_file), "hits"), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        )

    def meet(self, operation: str, path: str) -> None:
        """Let the rules act on a call. Raises OSError."""
        with open(self._file, encoding="utf-8") as file:
            rules: list[dict[str, Any]] = json.load(file)
        for rule in rules:
            if rule["operation"] in (operation, "any") and fnmatch(path, rule["path"]):
                os.write(self._hits, f"{operation} {path}\n".encode())
                time.sleep(rule["seconds"])
                if rule["errno"] is not None:
                    raise OSError(getattr(numbers, rule["errno"]), "a fault on demand", path)


def serve(mount: str, behind: str, rules_file: str) -> None:
    """Until somebody unmounts it."""
    import mfusepy

    faults = Faults(rules_file)

    class PassThrough(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            faults.meet("getattr", path)
            found = os.lstat(behind + path) if fh is None else os.fstat(fh)
            times = {name: getattr(found, f"{name}_ns") for name in STAT_TIMES}
            return {name: getattr(found, name) for name in STAT} | times

        def readdir(self, path: str, fh: int) -> list[str]:
            faults.meet("readdir", path)
            return [".", "..", *os.listdir(behind + path)]

        def statfs(self, path: str) -> dict[str, int]:
            faults.meet("statfs", path)
            found = os.statvfs(behind + path)
            return {name: getattr(found, name) for name in STATVFS}

        def open(self, path: str, flags: int) -> int:
            faults.meet("open", path)
            return os.open(behind + path, flags)

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            faults.meet("create", path)
            return os.open(behind + path, os.O_RDWR | os.O_CREAT, mode)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            faults.meet("read", path)
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            faults.meet("write", path)
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            faults.meet("truncate", path)
            os.truncate(behind + path if fh is None else fh, length)
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            faults.meet("fsync", path)
            return 0

        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            faults.meet("fsyncdir", path)
            return 0

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

        def rename(self, old: str, new: str) -> int:
            faults.meet("rename", old)
            os.rename(behind + old, behind + new)
            return 0

        def unlink(self, path: str) -> int:
            faults.meet("unlink", path)
            os.unlink(behind + path)
            return 0

        def mkdir(self, path: str, mode: int) -> int:
            faults.meet("mkdir", path)
            os.mkdir(behind + path, mode)
            return 0

        def rmdir(self, path: str) -> int:
            faults.meet("rmdir", path)
            os.rmdir(behind + path)
            return 0

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
            faults.meet("utimens", path)
            os.utime(behind + path, ns=times or (time.time_ns(), time.time_ns()))
            return 0

        def chmod(self, path: str, mode: int) -> int:
            os.chmod(behind + path, mode)
            return 0

    # Nothing is remembered of names and sizes, and a removed file that is open is really removed.
    timeouts = dict.fromkeys(("entry_timeout", "attr_timeout", "negative_timeout"), 0)
    mfusepy.FUSE(PassThrough(), mount, foreground=True, hard_remove=True, max_threads=10, **timeouts)


if __name__ == "__main__":
    serve(*sys.argv[1:])
