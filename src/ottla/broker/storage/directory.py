"""A log directory: one volume's worth of partitions, that works or fails as a whole (KIP-112, KIP-858).

What all logs in it share lives here: the doors, the delayed removal of files, and the verdict that the disk has failed.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from typing import Final

from ottla.core.log.checkpoints import format_offsets, parse_offsets
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.world.doors import Chance, Clock, DirectoryLock, Disk

_log = logging.getLogger("ottla.storage")

FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that end by themselves when somebody makes room. The directory stays online: appends fail, reads go on."""


def write_file(disk: Disk, path: str, data: bytes, *, sync: bool) -> None:
    """Replace the file at `path` whole: written beside it, then renamed. With `sync`, durably. Raises OSError; the
    file of before is still there then."""
    temporary = path + ".tmp"
    disk.remove(temporary)
    file = disk.open(temporary, create=True)
    try:
        file.write([data], 0)
        if sync:
            file.sync_now()
    finally:
        file.close()
    disk.rename(temporary, path)
    if sync:
        disk.sync_directory(path.rpartition("/")[0])


async def replace_file(disk: Disk, path: str, data: bytes) -> None:
    """`write_file` with the syncs off the loop, for files that nobody else writes meanwhile. Raises OSError."""
    temporary = path + ".tmp"
    disk.remove(temporary)
    file = disk.open(temporary, create=True)
    try:
        file.write([data], 0)
        await file.sync()
    finally:
        file.close()
    disk.rename(temporary, path)
    await disk.run(disk.sync_directory, path.rpartition("/")[0])


def read_file(disk: Disk, path: str) -> bytes | None:
    """A small file whole; None when there is none. Raises OSError."""
    try:
        file = disk.open(path)
    except FileNotFoundError:
        return None
    try:
        return file.read(file.size(), 0)
    finally:
        file.close()


class LogDirectory:
    """One entry of `log.dirs`. `id` is its UUID from meta.properties; `online` turns False for good when it fails."""

    __slots__ = (
        "_failed",
        "chance",
        "clock",
        "disk",
        "failure",
        "id",
        "lock",
        "log_count",
        "online",
        "path",
        "producer_expiration_ms",
    )

    def __init__(
        self,
        path: str,
        uuid: Uuid,
        *,
        disk: Disk,
        clock: Clock,
        chance: Chance,
        failed: Callable[[LogDirectory], None] | None = None,
        producer_expiration_ms: int = 86_400_000,
    ) -> None:
        self.path = path
        self.id = uuid
        self.disk = disk
        self.clock = clock
        self.chance = chance
        self.online = True
        self.failure: str | None = None
        self.lock: DirectoryLock | None = None
        self.log_count = 0
        self.producer_expiration_ms = producer_expiration_ms
        self._failed = failed

    def fail(self, doing: str, error: OSError) -> None:
        """The disk did not do what it must. Every log in this directory is offline from now on."""
        if not self.online:
            return
        self.online = False
        self.failure = f"{doing}: {error}"
        _log.error("Log directory %s is offline: error while %s: %s", self.path, doing, error)
        if self._failed is not None:
            self._failed(self)

    def fail_unless_full(self, doing: str, error: OSError) -> None:
        """As `fail`, but a full disk is only told: what could not be written now can wait."""
        if error.errno in FULL_DISK:
            _log.warning("Log directory %s is full: error while %s: %s", self.path, doing, error)
        else:
            self.fail(doing, error)

    def storage_error(self, doing: str, error: OSError) -> KafkaError:
        """What a client hears of `error`. A full disk fails the request, anything else the directory."""
        if error.errno not in FULL_DISK:
            self.fail(doing, error)
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"Disk error while {doing}: {error}")

    def check_online(self) -> None:
        if not self.online:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"The log directory {self.path} is offline")

    def remove_later(self, paths: list[str], delay_ms: int) -> None:
        """Remove files (or directories) once nobody can be about to read them."""
        if not paths:
            return

        def remove() -> None:
            if not self.online:
                return
            try:
                for path in paths:
                    if self.disk.is_directory(path):
                        self.disk.remove_tree(path)
                    else:
                        self.disk.remove(path)
            except OSError as error:
                self.fail(f"removing {path}", error)

        self.clock.call_at(self.clock.now() + delay_ms, remove)

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def write_offsets(self, name: str, offsets: Mapping[tuple[str, int], int], *, sync: bool = True) -> None:
        """Write a checkpoint of offsets. Raises OSError."""
        write_file(self.disk, f"{self.path}/{name}", format_offsets(offsets).encode(), sync=sync)

    async def replace_offsets(self, name: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """As `write_offsets`, durably, without holding up the loop. Raises OSError."""
        await replace_file(self.disk, f"{self.path}/{name}", format_offsets(offsets).encode())

    def read_offsets(self, name: str) -> dict[tuple[str, int], int]:
        """A checkpoint of offsets; empty when it is missing, and when it is damaged, which is logged: everything in
        these files can be found out again, only slower."""
        data = read_file(self.disk, f"{self.path}/{name}")
        if data is None:
            return {}
        try:
            return parse_offsets(data.decode())
        except ValueError as error:
            _log.warning("%s/%s is ignored: %s", self.path, name, error)
            return {}

    def __repr__(self) -> str:
        return f"LogDirectory({self.path}, {'online' if self.online else 'offline'})"
