"""A log directory: one volume's worth of partitions, that works or fails as a whole (KIP-112, KIP-858).

What all logs in it share lives here: the doors, the delayed removal of files, and the verdict that the disk has failed.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ottla.broker.metrics import Durations
from ottla.broker.storage.trash import Trash
from ottla.core.log.checkpoints import format_offsets, parse_offsets
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.world.doors import Chance, Clock, DirectoryLock, Disk

_log = logging.getLogger("ottla.storage")

_TELL_EVERY_MS: Final = 60_000
"""How often one kind of trouble of one directory is logged at most."""

Offsets: TypeAlias = Mapping[tuple[str, int], int]
"""(topic, partition) → offset."""

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


async def replace_file(
    disk: Disk, path: str, data: bytes, still_true: Callable[[], bool] = lambda: True
) -> bool:
    """`write_file` with the syncs off the loop. What is no longer true when it could take its place is dropped, and
    that is False: `write_file` may have come in between. Raises OSError."""
    temporary = path + ".tmp"
    disk.remove(temporary)
    file = disk.open(temporary, create=True)
    try:
        file.write([data], 0)
        await file.sync()
    finally:
        file.close()
    if not still_true():
        return False
    disk.rename(temporary, path)
    await disk.run(disk.sync_directory, path.rpartition("/")[0])
    return True


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
        "_on_disk",
        "_told",
        "chance",
        "clock",
        "disk",
        "failure",
        "flush_times",
        "id",
        "lock",
        "log_count",
        "online",
        "path",
        "producer_expiration_ms",
        "trash",
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
        self.flush_times = Durations()
        """Of flushes that ended well."""
        self.lock: DirectoryLock | None = None
        self.log_count = 0
        self._on_disk: dict[str, tuple[Offsets, ...]] = {}
        self.producer_expiration_ms = producer_expiration_ms
        self.trash = Trash(
            disk, clock, lambda: self.online, lambda path, error: self.fail(f"removing {path}", error)
        )
        self._failed = failed
        self._told: dict[str, tuple[int, int]] = {}
        """Kind of trouble -> (when it was logged last, how often it was met since)."""

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
            self._tell(logging.WARNING, "is full", doing, error)
        else:
            self.fail(doing, error)

    def storage_error(self, doing: str, error: OSError) -> KafkaError:
        """What a client hears of `error`. A full disk fails the request, anything else the directory."""
        self.fail_unless_full(doing, error)
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"Disk error while {doing}: {error}")

    def read_error(self, doing: str, error: OSError) -> KafkaError:
        """What a client hears of `error` while reading. It fails that request alone: one bad sector is no reason to
        refuse what can be read and written elsewhere."""
        self._tell(logging.ERROR, "could not be read", doing, error)
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"Disk error while {doing}: {error}")

    def _tell(self, level: int, what: str, doing: str, error: OSError) -> None:
        """Log the first time, then once a minute: every request may meet the same fault."""
        now = self.clock.now()
        told, since = self._told.get(what, (-_TELL_EVERY_MS, 0))
        since += 1
        if now - told >= _TELL_EVERY_MS:
            _log.log(
                level,
                "Log directory %s %s: error while %s: %s (errors=%d)",
                self.path,
                what,
                doing,
                error,
                since,
            )
            told, since = now, 0
        self._told[what] = (told, since)

    def check_online(self) -> None:
        if not self.online:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"The log directory {self.path} is offline")

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def write_offsets(self, name: str, offsets: Offsets, *, sync: bool = True) -> None:
        """Write a checkpoint of offsets. Raises OSError."""
        self._on_disk[name] = (*self._on_disk.get(name, ()), offsets)
        write_file(self.disk, f"{self.path}/{name}", format_offsets(offsets).encode(), sync=sync)
        self._on_disk[name] = (offsets,)

    async def replace_offsets(
        self,
        name: str,
        offsets: Offsets,
        still_true: Callable[[], bool] = lambda: True,
    ) -> bool:
        """As `write_offsets`, durably, without holding up the loop: see `replace_file`. Raises OSError."""
        self._on_disk[name] = (*self._on_disk.get(name, ()), offsets)
        data = format_offsets(offsets).encode()
        replaced = await replace_file(self.disk, f"{self.path}/{name}", data, still_true)
        if replaced:
            self._on_disk[name] = (offsets,)
        return replaced

    def speaks_of(self, name: str, key: tuple[str, int]) -> bool:
        """Whether the checkpoint on disk may have an entry for this partition."""
        return any(key in offsets for offsets in self._on_disk.get(name, ()))

    def read_offsets(self, name: str) -> dict[tuple[str, int], int]:
        """A checkpoint of offsets; empty when it is missing, and when it is damaged, which is logged: everything in
        these files can be found out again, only slower."""
        data = read_file(self.disk, f"{self.path}/{name}")
        if data is None:
            return {}
        try:
            offsets = parse_offsets(data.decode())
            self._on_disk[name] = (offsets,)
            return offsets
        except ValueError as error:
            _log.warning("%s/%s is ignored: %s", self.path, name, error)
            return {}

    def __repr__(self) -> str:
        return f"LogDirectory({self.path}, {'online' if self.online else 'offline'})"
