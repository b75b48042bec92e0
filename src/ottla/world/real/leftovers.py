"""Temporary directories that are gone when nobody needs them: those of processes that were killed are removed by the next."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Final

from ottla.world.doors import DirectoryLock
from ottla.world.real.disk import RealDisk

STARTING_S: Final = 60
"""A temporary directory younger than this may belong to a node that is about to lock it."""


def remove_leftovers(parent: str, prefix: str, now: float) -> None:
    """Remove the directories so named whose lock nobody holds. `now` in seconds since 1970."""
    disk = RealDisk()
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        lock = os.path.join(path, ".lock")
        if not name.startswith(prefix) or not os.path.isfile(lock):
            continue
        try:
            if os.stat(path).st_uid != os.getuid() or now - os.stat(lock).st_mtime < STARTING_S:
                continue
            held = disk.lock(lock)
        except OSError:  # locked by a running node, gone meanwhile, or not ours
            continue
        try:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            held.release()


def locked_directory(parent: str, prefix: str, now: float) -> tuple[str, DirectoryLock]:
    """A new directory that `remove_leftovers` lets be until the lock is released; leftovers of others are removed."""
    remove_leftovers(parent, prefix, now)
    directory = tempfile.mkdtemp(prefix=prefix, dir=parent)
    return directory, RealDisk().lock(os.path.join(directory, ".lock"))
