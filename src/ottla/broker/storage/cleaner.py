"""The log cleaner: again and again the dirtiest of the compacted logs, one round at a time.

The work of a round is a child's (`cleaning_child`); here it is decided whose turn it is, the child's output is swapped
in (`cleaning_swap`) and where the clean part of each log ends is remembered in `cleaner-offset-checkpoint`.

A log that cannot be cleaned (a batch in it cannot be read) is left alone until the node starts again. A log that
changes while it is cleaned, because its partition is deleted, truncated or shortened by retention, keeps what it has;
the round's output for those segments is thrown away.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ottla.broker.storage.cleaning_child import ENTRY, CleaningPlan, CleaningResult
from ottla.broker.storage.cleaning_swap import Swap, remove_cleaned
from ottla.broker.storage.directory import FULL_DISK, LogDirectory
from ottla.broker.storage.log import Log
from ottla.broker.storage.segment import Segment
from ottla.core.log.cleanable import Dirty, Extent, dirty_part
from ottla.core.log.config import NEVER
from ottla.core.log.names import CLEANER_FILE
from ottla.core.model.errors import KafkaError
from ottla.world.doors import Clock, Disk, Task

_log = logging.getLogger("ottla.cleaner")

_LOOKS_PER_TURN: Final = 64
"""How many logs are looked at before the loop gets its turn."""
_MAX_MAP_BYTES: Final = 2**31 - 1


class CleanerSettings(msgspec.Struct, frozen=True):
    """`log.cleaner.*`: sizes in bytes, times in ms. May be replaced while the cleaner runs; a round keeps its own."""

    enable: bool = True
    threads: int = 1
    """How many logs are cleaned at a time; they share the dedupe buffer and the I/O rate."""
    dedupe_buffer_size: int = 134_217_728
    io_buffer_size: int = 524_288
    io_buffer_load_factor: float = 0.9
    io_max_bytes_per_second: float = 1.7976931348623157e308
    backoff_ms: int = 15_000


class Cleaner:
    """One for all log directories of a node. `logs` gives every log there is, compacted or not.

    Metrics: `max_dirty_ratio`, `last_run` (monotonic ms), `last_result`, `last_ms`, `uncleanable`, `dead_tasks`.
    """

    def __init__(
        self, clock: Clock, disk: Disk, logs: Callable[[], Iterable[Log]], settings: CleanerSettings
    ) -> None:
        self.settings = settings
        self.max_dirty_ratio = 0.0
        self.last_run = clock.now()
        self.last_result: CleaningResult | None = None
        self.last_ms = 0
        """How long the round of `last_result` took."""
        self.uncleanable: set[str] = set()
        """Paths of the logs that are left alone."""
        self._clock = clock
        self._disk = disk
        self._logs = logs
        self._checkpoints: dict[str, dict[tuple[str, int], int]] = {}
        self._busy: set[str] = set()
        self._started = False
        self._tasks: dict[int, Task] = {}
        self._swaps: set[Swap] = set()

    @property
    def dead_tasks(self) -> int:
        """How many of the tasks that should clean have come to an end."""
        wanted = self.settings.threads if self._started and self.settings.enable else 0
        return max(wanted - sum(not task.done() for task in self._tasks.values()), 0)

    # -- running -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to clean, `threads` logs at a time."""
        self._started = True
        wanted = self.settings.threads if self.settings.enable else 0
        for number in range(wanted):
            if number not in self._tasks:
                self._tasks[number] = self._clock.spawn(self._run(number), name=f"log cleaner {number}")

    def update(self, settings: CleanerSettings) -> None:
        """Work by these settings from the next round on."""
        self.settings = settings
        if self._started:
            self.start()

    def stop(self) -> None:
        """End at once; a round under way is dropped, its leftovers go with the next start."""
        self._started = False
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        for swap in self._swaps:
            swap.stop()

    async def _run(self, number: int) -> None:
        while self.settings.enable and number < self.settings.threads:
            if not await self.clean_dirtiest():
                await self._clock.sleep(self.settings.backoff_ms)
        self._tasks.pop(number, None)

    async def clean_dirtiest(self) -> bool:
        """Clean the log whose dirty part is the largest share of it, if any is due; False when none is."""
        self.last_run = self._clock.now()
        log = await self._choose()
        # Others had their turn meanwhile: the log may be gone, or shorter.
        dirty = None if log is None else self._due(log)
        if log is None or dirty is None:
            return False
        self._busy.add(log.path)
        try:
            return await self._clean(log, dirty)
        finally:
            self._busy.discard(log.path)

    async def _choose(self) -> Log | None:
        """The log with the largest dirty share among those that are due."""
        best: Log | None = None
        best_ratio = max_ratio = 0.0
        compacted = [log for log in self._logs() if log.config.compacts]
        for number, log in enumerate(compacted, 1):
            if number % _LOOKS_PER_TURN == 0:
                await self._clock.sleep(0)
            if log.path in self._busy or log.path in self.uncleanable:
                continue
            dirty = self._dirty_part(log)
            if dirty is None:
                continue
            max_ratio = max(max_ratio, dirty.ratio)
            if dirty.worth_cleaning(log.config) and (best is None or dirty.ratio > best_ratio):
                best, best_ratio = log, dirty.ratio
        self.max_dirty_ratio = max_ratio
        return best

    def _due(self, log: Log) -> Dirty | None:
        dirty = self._dirty_part(log)
        return dirty if dirty is not None and dirty.worth_cleaning(log.config) else None

    def _dirty_part(self, log: Log) -> Dirty | None:
        """None when the log is closed or empty, or when its disk fails."""
        if log.closed or not log.directory.online:
            return None
        ages = log.config.min_compaction_lag_ms > 0
        lags = log.config.max_compaction_lag_ms < NEVER
        try:
            dirty = dirty_part(
                [
                    Extent(
                        segment.base_offset,
                        segment.size,
                        0,
                        0,
                        segment.largest_timestamp() if ages else -1,
                        _first_timestamp(segment) if lags else -1,
                    )
                    for segment in log.segments
                ],
                log.config,
                checkpoint=self._checkpoint(log),
                start_offset=log.start_offset,
                end_offset=log.end_offset,
                last_stable_offset=log.last_stable_offset,
                wall=self._clock.wall(),
            )
        except OSError as error:
            log.directory.fail(f"looking for what to clean in {log.name}", error)
            return None
        if dirty.reset and not log.config.deletes:
            _log.warning(
                "The cleaner checkpoint of %s does not fit its offsets %d..%d, all of it counts as dirty",
                log.name,
                log.start_offset,
                log.end_offset,
            )
        if dirty.reset:
            self._set_checkpoint(log, dirty.first_offset)
        return dirty if dirty.clean_bytes + dirty.dirty_bytes > 0 else None

    # -- one round -----------------------------------------------------------------------------------------------

    async def _clean(self, log: Log, dirty: Dirty) -> bool:
        segments = _up_to(log, dirty)
        started = self._clock.now()
        _log.info("Cleaning %s: offsets %d..%d are dirty", log.name, dirty.first_offset, dirty.end_offset)
        try:
            # A record makes room for itself in earlier segments, which are swapped first: it must not be lost after that.
            await log.flush(dirty.end_offset)
        except KafkaError:
            return False  # the directory has failed, and has said so
        if log.closed or _up_to(log, dirty) != segments:
            return False
        swap = Swap(log, segments)
        try:
            plan = msgspec.msgpack.encode(self._plan(log, dirty, segments))
        except OSError as error:
            log.directory.fail(f"cleaning {log.name}", error)
            return False
        try:
            result = await self._run_child(plan, swap)
        except OSError as error:
            _log.warning("Cleaning %s has to wait, no process can be started for it: %s", log.name, error)
            return False
        except RuntimeError as error:
            _log.error("%s is not cleaned any more until the next start: %s", log.name, error)
            self.uncleanable.add(log.path)
            self._drop_leftovers(log)
            return False
        if result.error is not None or not swap.complete:
            self._drop_leftovers(log)
            self._explain(log, result)
            return False
        self.last_result = result
        self.last_ms = self._clock.now() - started
        self._set_checkpoint(log, result.end_offset)
        _log.info(
            "Cleaned %s up to offset %d: read=%d bytes written=%d bytes keys=%d map=%.0f%% took=%d ms",
            log.name,
            result.end_offset,
            result.bytes_read,
            result.bytes_written,
            result.keys,
            100 * result.map_utilization,
            self.last_ms,
        )
        return result.end_offset > dirty.first_offset

    async def _run_child(self, plan: bytes, swap: Swap) -> CleaningResult:
        """What the child says in the end, when all it reported has been swapped in. Raises OSError, RuntimeError."""
        self._swaps.add(swap)
        try:
            answer = await self._disk.child(ENTRY, plan, swap.on_progress)
        except (OSError, RuntimeError):
            await swap.finish()
            raise
        else:
            await swap.finish()
        finally:
            self._swaps.discard(swap)
        return msgspec.msgpack.decode(answer, type=CleaningResult)

    def _plan(self, log: Log, dirty: Dirty, segments: list[Segment]) -> CleaningPlan:
        settings, config = self.settings, log.config
        return CleaningPlan(
            name=log.name,
            path=log.path,
            segments=[
                Extent(
                    segment.base_offset,
                    segment.size,
                    len(segment.index) * 8,
                    len(segment.time_index) * 12,
                    -1,
                )
                for segment in segments
            ],
            later_segments=[
                segment.base_offset for segment in log.segments if segment.base_offset >= dirty.end_offset
            ],
            first_dirty=dirty.first_offset,
            end_offset=dirty.end_offset,
            wall=self._clock.wall(),
            delete_retention_ms=config.delete_retention_ms,
            segment_bytes=config.segment_bytes,
            segment_index_bytes=config.segment_index_bytes,
            index_interval_bytes=config.index_interval_bytes,
            memory_bytes=min(settings.dedupe_buffer_size // settings.threads, _MAX_MAP_BYTES),
            load_factor=settings.io_buffer_load_factor,
            io_buffer_bytes=settings.io_buffer_size,
            io_bytes_per_second=settings.io_max_bytes_per_second / settings.threads,
            producers={
                state.producer_id: (state.batches[-1].last_offset if state.batches else -1, state.epoch)
                for state in log.producers
            },
        )

    def _explain(self, log: Log, result: CleaningResult) -> None:
        """Why a round did not end."""
        if result.error is None or result.errno == errno.ENOENT:
            # Segments went away under the child's hands.
            _log.info("Cleaning %s was overtaken by a change of the log", log.name)
        elif result.errno in FULL_DISK:
            _log.warning("Cleaning %s stopped, the disk is full: %s", log.name, result.error)
        else:
            log.directory.fail(f"cleaning {log.name}", OSError(result.errno, result.error))

    def _drop_leftovers(self, log: Log) -> None:
        if log.closed or not log.directory.online:
            return
        try:
            remove_cleaned(log)
        except OSError as error:
            log.directory.fail(f"removing what cleaning {log.name} left", error)

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def _checkpoint(self, log: Log) -> int | None:
        return self._checkpoints_of(log.directory).get((log.topic, log.partition))

    def _checkpoints_of(self, directory: LogDirectory) -> dict[tuple[str, int], int]:
        known = self._checkpoints.get(directory.path)
        if known is None:
            known = self._checkpoints[directory.path] = directory.read_offsets(CLEANER_FILE)
        return known

    def _set_checkpoint(self, log: Log, offset: int | None) -> None:
        """Note where the clean part of `log` ends (None: forget the log), and drop logs that are gone."""
        offsets = self._checkpoints_of(log.directory)
        if offset is None:
            if offsets.pop((log.topic, log.partition), None) is None:
                return
        else:
            offsets[log.topic, log.partition] = offset
            here = {(held.topic, held.partition) for held in self._logs() if held.directory is log.directory}
            for gone in offsets.keys() - here:
                del offsets[gone]
        try:
            # Not synced: whoever finds an old or an empty file cleans more than he has to.
            log.directory.write_offsets(CLEANER_FILE, offsets, sync=False)
        except OSError as error:
            log.directory.fail_unless_full(f"writing {CLEANER_FILE}", error)

    def truncated(self, log: Log, offset: int) -> None:
        """`log` was truncated: nothing from `offset` on has been cleaned."""
        clean_up_to = self._checkpoint(log)
        if clean_up_to is not None and clean_up_to > offset:
            self._set_checkpoint(log, offset)

    def forget(self, log: Log) -> None:
        """`log` is deleted, or moves to another directory."""
        self.uncleanable.discard(log.path)
        self._set_checkpoint(log, None)


def _up_to(log: Log, dirty: Dirty) -> list[Segment]:
    return [segment for segment in log.segments if segment.base_offset < dirty.end_offset]


def _first_timestamp(segment: Segment) -> int:
    if segment.first_timestamp is None:
        if not segment.size:
            return -1
        segment.first_timestamp = segment.header_at(0).max_timestamp
    return segment.first_timestamp
