"""What a log store does on its own: retention, flushing, checkpoints, expiry.

Each duty is a task with an interval of its own. None walks all logs in one turn of the loop: after every few logs the
others get theirs.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ottla.broker.storage.flushing import promised
from ottla.core.log.config import NEVER
from ottla.core.log.names import HIGH_WATERMARK_FILE, LOG_START_FILE, RECOVERY_POINT_FILE
from ottla.core.model.errors import KafkaError
from ottla.world.doors import Task

if TYPE_CHECKING:
    from ottla.broker.storage.directory import LogDirectory
    from ottla.broker.storage.log import Log
    from ottla.broker.storage.store import LogStore

_log = logging.getLogger("ottla.storage")

_TURN: Final = 32
"""Logs looked at before the loop is given back."""


class Upkeep:
    """The background work of one store."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._tasks: list[Task] = []
        self._written: Counter[str] = Counter()
        """How often recovery points were written at once."""
        self._unsynced: dict[Log, None] = {}
        self._flushing = False

    def start(self) -> None:
        settings = self._store.settings
        delay = settings.initial_task_delay_ms
        self._every(settings.retention_check_interval_ms, self.retain, "log-retention", delay)
        self._every(settings.flush_scheduler_interval_ms, self.flush_late, "log-flusher", delay)
        self._every(
            settings.flush_offset_checkpoint_interval_ms,
            self.checkpoint_recovery_points,
            "recovery-checkpoint",
            delay,
        )
        self._every(
            settings.flush_start_offset_checkpoint_interval_ms,
            self.checkpoint_starts,
            "start-checkpoint",
            delay,
        )
        self._every(
            settings.high_watermark_checkpoint_interval_ms,
            self.checkpoint_high_watermarks,
            "hw-checkpoint",
            0,
        )
        self._every(
            settings.producer_id_expiration_check_interval_ms, self.expire_producers, "producer-expiry", 0
        )

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _every(self, interval_ms: int, duty: Callable[[], Awaitable[None]], name: str, delay_ms: int) -> None:
        if interval_ms >= NEVER:
            return

        async def repeat() -> None:
            await self._store.clock.sleep(delay_ms)
            while True:
                await self._store.clock.sleep(interval_ms)
                await duty()

        self._tasks.append(self._store.clock.spawn(repeat(), name=name))

    async def _walk(self) -> AsyncIterator[Log]:
        """Every log whose disk works, a few a turn."""
        for count, log in enumerate(self._store.logs()):
            if count % _TURN == _TURN - 1:
                await self._store.clock.sleep(0)
            if log.directory.online and not log.closed:
                yield log

    # -- duties --------------------------------------------------------------------------------------------------

    async def retain(self) -> None:
        async for log in self._walk():
            try:
                log.apply_retention(self._store.clock.wall())
            except KafkaError as error:
                _log.error("Retention of %s: %s", log.name, error)

    async def flush_late(self) -> None:
        """Flush logs whose `flush.ms` has passed since their last flush."""
        async for log in self._walk():
            late = self._store.clock.now() - log.flushed_at >= log.config.flush_ms
            if late and log.recovery_point < log.end_offset:
                await self._flush(log, None)

    async def _flush(self, log: Log, up_to: int | None) -> None:
        try:
            await log.flush(up_to)
        except KafkaError as error:
            _log.error("Flushing %s: %s", log.name, error)

    def flush_soon(self, log: Log) -> None:
        """`log` was made, or has closed a segment: have its files synced, one log after the other."""
        self._unsynced[log] = None
        if not self._flushing:
            self._flushing = True
            self._store.clock.spawn(self._flush_each(), name="flush-soon")

    async def _flush_each(self) -> None:
        try:
            while self._unsynced:
                log = next(iter(self._unsynced))
                del self._unsynced[log]
                if log.directory.online and not log.closed:
                    await self._flush(log, log.active.base_offset)
        finally:
            self._flushing = False

    async def expire_producers(self) -> None:
        expiration = self._store.settings.producer_id_expiration_ms
        async for log in self._walk():
            log.producers.expire(self._store.clock.wall(), expiration)

    async def checkpoint_recovery_points(self) -> None:
        await self._checkpoint("recovery points", RECOVERY_POINT_FILE)

    async def checkpoint_starts(self) -> None:
        await self._checkpoint("start offsets", LOG_START_FILE)

    async def checkpoint_high_watermarks(self) -> None:
        await self._checkpoint("high watermarks", HIGH_WATERMARK_FILE)

    async def _checkpoint(self, what: str, name: str) -> None:
        for directory in self._store.online_directories():
            try:
                await self._replace(directory, name)
            except OSError as error:
                # The checkpoint of before stays: it promises less, never too much.
                directory.fail_unless_full(f"writing {what}", error)
            await self._store.clock.sleep(0)

    async def _replace(self, directory: LogDirectory, name: str) -> None:
        """Write it anew off the loop. What was written meanwhile on the loop takes promises back (a log was truncated,
        or begins anew): what was found before that must not come after. Raises OSError."""
        while True:
            before = self._written[name]
            offsets = self._offsets(directory, CHECKPOINTS[name])
            if await directory.replace_offsets(
                name,
                offsets,
                lambda before=before: self._written[name] == before,  # type: ignore[misc]
            ):
                return

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def _offsets(
        self, directory: LogDirectory, of: Callable[[Log], int | None]
    ) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        for log in self._store.logs():
            if log.directory is directory:
                offset = of(log)
                if offset is not None:
                    found[log.topic, log.partition] = offset
        return found

    def _write(self, directory: LogDirectory, name: str) -> None:
        self._written[name] += 1
        directory.write_offsets(name, self._offsets(directory, CHECKPOINTS[name]))

    def write_recovery_points(self, directory: LogDirectory) -> None:
        """At once and durably. Raises OSError."""
        self._write(directory, RECOVERY_POINT_FILE)

    def write_start_offsets(self, directory: LogDirectory) -> None:
        """At once and durably. Raises OSError."""
        self._write(directory, LOG_START_FILE)

    def remember_start(self, copy: Log) -> None:
        """At once and durably: `copy` is about to become a log of its directory, and what was deleted from it stays
        deleted. Until then nothing reads its line. Raises OSError."""
        start = raised_start(copy)
        if start is not None:
            self._written[LOG_START_FILE] += 1
            starts = self._offsets(copy.directory, raised_start)
            starts[copy.topic, copy.partition] = start
            copy.directory.write_offsets(LOG_START_FILE, starts)

    def write_high_watermarks(self, directory: LogDirectory) -> None:
        """At once and durably. Raises OSError."""
        self._write(directory, HIGH_WATERMARK_FILE)

    def begin_anew(self, directory: LogDirectory, topic: str, partition: int) -> None:
        """A log of this name is about to begin in `directory`: no checkpoint there may speak of an earlier one, which
        would cut or hide the new one after a crash. Raises OSError."""
        for name in CHECKPOINTS:
            if directory.speaks_of(name, (topic, partition)):
                self._write(directory, name)


def raised_start(log: Log) -> int | None:
    """The start offset, if it was raised above the first segment."""
    return log.start_offset if log.start_offset > log.segments[0].base_offset else None


CHECKPOINTS: Final[dict[str, Callable[[Log], int | None]]] = {
    RECOVERY_POINT_FILE: promised,
    LOG_START_FILE: raised_start,
    HIGH_WATERMARK_FILE: lambda log: log.high_watermark,
}
"""What stands in each checkpoint of a directory."""
