"""Taking logs out of service: their directories get names that say what becomes of them.

A log is out of service at once; its directory is renamed a little later, some of them a turn, because a topic may have
thousands of partitions. Whoever wants the name meanwhile has it freed first (`free`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ottla.core.log.names import DELETE, STRAY, marked_directory
from ottla.core.model.errors import KafkaError

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log
    from ottla.world.doors import Chance, Clock, Disk

_log = logging.getLogger("ottla.storage")

_TURN: Final = 32
"""Directories renamed before the loop is given back."""
_FULL_RETRY_MS: Final = 5_000


class Removals:
    """The logs of one store that have to go. A directory that fails goes offline."""

    def __init__(self, disk: Disk, clock: Clock, chance: Chance) -> None:
        self._disk = disk
        self._clock = clock
        self._chance = chance
        self._waiting: dict[str, tuple[Log, int]] = {}
        """Path -> (log, after how many ms its files go)."""
        self._scheduled = False

    def discard(self, log: Log, delay_ms: int | None = None) -> None:
        """Take `log` out of service; its files go after `delay_ms`, by default `file.delete.delay.ms`."""
        log.closed = True  # its files are let go of when their turn comes
        log.directory.log_count -= 1
        self._waiting[log.path] = (log, log.config.file_delete_delay_ms if delay_ms is None else delay_ms)
        self._schedule(0)

    def set_aside(self, log: Log) -> None:
        """Take a log that nobody owns out of service, and keep it."""
        _retire(log)
        path = self._marked(log, STRAY)
        if self._rename(log, log.path, path):
            _log.warning("%s belongs to no partition of this node: kept as %s", log.name, path)

    @contextmanager
    def replacing(self, log: Log) -> Iterator[None]:
        """Inside, another log takes the place of `log`; when that fails, nothing has happened. Raises KafkaError."""
        directory = log.directory
        path = self._marked(log, DELETE)
        if directory.online:
            try:
                self._disk.rename(log.path, path)
            except OSError as error:
                raise directory.storage_error(f"renaming {log.path}", error) from error
            # Or a power cut might leave two logs, the old one and its copy, and no way to tell which is whole.
            self._sync_names(log)
        try:
            yield
        except KafkaError:
            self._rename(log, path, log.path)
            raise
        _retire(log)
        if directory.online:
            directory.trash.add([path], log.config.file_delete_delay_ms)

    def free(self, path: str, *, durably: bool = False) -> None:
        """No log that was discarded holds this path any more; `durably`: not even after a power cut. Raises KafkaError."""
        waiting = self._waiting.pop(path, None)
        if waiting is None:
            return
        self._mark(*waiting)
        if durably:
            self._sync_names(waiting[0])

    def finish(self) -> None:
        """The store ends: all that waits is done now."""
        while self._waiting:
            self._mark(*self._waiting.pop(next(iter(self._waiting))))

    def abandon(self) -> None:
        """Let go of everything; nothing is renamed any more."""
        while self._waiting:
            self._waiting.popitem()[1][0].release()

    def _sync_names(self, log: Log) -> None:
        """On the loop: for moves, which are rare."""
        directory = log.directory
        if not directory.online:
            return
        try:
            self._disk.sync_directory(directory.path)
        except OSError as error:
            raise directory.storage_error(f"syncing {directory.path}", error) from error

    def _schedule(self, delay_ms: int) -> None:
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._clock.call_at(self._clock.now() + delay_ms, self._some)

    def _some(self) -> None:
        self._scheduled = False
        for path in list(self._waiting)[:_TURN]:
            log, delay_ms = self._waiting.pop(path)
            if not self._mark(log, delay_ms):
                self._waiting[path] = (log, delay_ms)
                self._schedule(_FULL_RETRY_MS)
                return
        self._schedule(0)

    def _mark(self, log: Log, delay_ms: int) -> bool:
        """False when the disk has no room for another name."""
        log.release()
        path = self._marked(log, DELETE)
        if not self._rename(log, log.path, path):
            return not log.directory.online
        log.directory.trash.add([path], delay_ms)
        _log.info("Deleted %s: its files go from %s", log.name, path)
        return True

    def _marked(self, log: Log, mark: str) -> str:
        name = marked_directory(log.topic, log.partition, mark, self._chance.bytes(16))
        return f"{log.directory.path}/{name}"

    def _rename(self, log: Log, old: str, new: str) -> bool:
        """Whether it has the new name."""
        if not log.directory.online:
            return False
        try:
            self._disk.rename(old, new)
        except OSError as error:
            log.directory.fail_unless_full(f"renaming {old}", error)
            return False
        return True


def _retire(log: Log) -> None:
    log.release()
    log.directory.log_count -= 1
