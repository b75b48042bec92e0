"""One round of compaction over one log, in a process of its own: it reads segments and writes `.cleaned` files.

The plan says everything; the child decides nothing about the log's state and renames nothing. Each group of segments
that is done is reported at once through the progress callback, so that the node swaps it in while the next one is
copied. `core.log.compaction` says which records stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ottla.broker.storage.cleaned import CleanedSegment
from ottla.core.log.cleanable import Extent, groups
from ottla.core.log.compaction import LastRecord, Round, Transactions, keep, note_keys
from ottla.core.log.index import AbortedTransaction, aborted_entries
from ottla.core.log.names import LOG, TRANSACTION_INDEX, segment_file
from ottla.core.log.offset_map import OffsetMap
from ottla.core.records.batch import BatchHeader, batch_size, check_crc, headers
from ottla.core.records.errors import corrupt
from ottla.world.doors import Disk

ENTRY: Final = "ottla.broker.storage.cleaning_child:clean"
_PAUSE_S: Final = 0.05
"""The throttle sleeps no shorter than this."""


class CleaningPlan(msgspec.Struct):
    """All that a round needs to know. Sizes in bytes, times in ms since 1970."""

    name: str
    path: str
    segments: list[Extent]
    """From the log's first up to, not including, the one at `end_offset`."""
    later_segments: list[int]
    """Base offsets from `end_offset` on: aborted transactions may be noted in their indexes."""
    first_dirty: int
    end_offset: int
    wall: int
    delete_retention_ms: int
    segment_bytes: int
    segment_index_bytes: int
    index_interval_bytes: int
    memory_bytes: int
    load_factor: float
    io_buffer_bytes: int
    io_bytes_per_second: float
    producers: dict[int, tuple[int, int]]
    """Producer id → (offset of its last data batch or -1, epoch)."""


class CleanedGroup(msgspec.Struct):
    """Segments that one `.cleaned` segment replaces."""

    base_offset: int
    size: int
    replaced: list[int]
    suffixes: list[str]


class CleaningResult(msgspec.Struct):
    """How the round went. `error` names what the disk did; `errno` is its number."""

    end_offset: int
    bytes_read: int = 0
    bytes_written: int = 0
    batches_read: int = 0
    batches_written: int = 0
    keys: int = 0
    map_utilization: float = 0.0
    error: str | None = None
    errno: int = 0


class Throttle:
    """`spend(bytes)` returns when as many may have passed at this rate."""

    __slots__ = ("_now", "_rate", "_sleep", "_spent", "_started")

    def __init__(
        self, bytes_per_second: float, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._rate = bytes_per_second
        self._now = now
        self._sleep = sleep
        self._spent = 0
        self._started = now()

    def spend(self, count: int) -> None:
        self._spent += count
        ahead = self._spent / self._rate - (self._now() - self._started)
        if ahead > _PAUSE_S:
            self._sleep(ahead)


def clean(plan: bytes, progress: Callable[[str], None]) -> bytes:
    """The child's entry: a `CleaningPlan` in, a `CleaningResult` out, both as MessagePack; `CleanedGroup`s as JSON go
    through `progress`."""
    from ottla.world.real.disk import RealDisk

    decoded = msgspec.msgpack.decode(plan, type=CleaningPlan)
    throttle = Throttle(decoded.io_bytes_per_second, time.monotonic, time.sleep)
    return msgspec.msgpack.encode(Cleaning(decoded, RealDisk(), throttle).run(progress))


class Cleaning:
    """One round at work."""

    def __init__(self, plan: CleaningPlan, disk: Disk, throttle: Throttle) -> None:
        self._plan = plan
        self._disk = disk
        self._throttle = throttle
        self._result = CleaningResult(plan.first_dirty)

    def run(self, progress: Callable[[str], None]) -> CleaningResult:
        """Raises KafkaError for batches that cannot be read."""
        result = self._result
        try:
            aborted = self._aborted_transactions()
            offsets = self._read_keys(aborted)
            result.end_offset = max(offsets.latest_offset + 1, self._plan.first_dirty)
            self._copy(offsets, aborted, progress)
        except OSError as error:
            result.error = f"{type(error).__name__}: {error}"
            result.errno = error.errno or -1
        return result

    def _aborted_transactions(self) -> list[AbortedTransaction]:
        """All that are noted for offsets below the round's end."""
        plan = self._plan
        found: list[AbortedTransaction] = []
        for base_offset in (*(segment.base_offset for segment in plan.segments), *plan.later_segments):
            path = f"{plan.path}/{segment_file(base_offset, TRANSACTION_INDEX)}"
            if not self._disk.exists(path):
                continue
            file = self._disk.open(path)
            try:
                found += aborted_entries(file.read(file.size(), 0))
            finally:
                file.close()
        return [entry for entry in found if entry.first_offset < plan.end_offset]

    def _read_keys(self, aborted: list[AbortedTransaction]) -> OffsetMap:
        """The first pass: the last offset of each key in the dirty part, as far as the map reaches."""
        plan = self._plan
        offsets = OffsetMap(
            plan.memory_bytes, plan.load_factor, at_most=max(plan.end_offset - plan.first_dirty, 1)
        )
        transactions = Transactions(entry for entry in aborted if entry.last_offset >= plan.first_dirty)
        for slot, segment in enumerate(plan.segments):
            following = plan.end_offset
            if slot + 1 < len(plan.segments):
                following = plan.segments[slot + 1].base_offset
            if following <= plan.first_dirty:
                continue
            for header, batch in self._batches(segment):
                if not note_keys(offsets, transactions, header, batch, plan.first_dirty):
                    self._note_use(offsets)
                    return offsets
            offsets.latest_offset = max(offsets.latest_offset, following - 1)
        self._note_use(offsets)
        return offsets

    def _note_use(self, offsets: OffsetMap) -> None:
        self._result.keys = len(offsets)
        self._result.map_utilization = len(offsets) / offsets.capacity

    def _copy(
        self, offsets: OffsetMap, aborted: list[AbortedTransaction], progress: Callable[[str], None]
    ) -> None:
        """The second pass: every segment that lies below what the map speaks for, group by group."""
        plan = self._plan
        producers = {
            producer_id: LastRecord(offset, epoch) for producer_id, (offset, epoch) in plan.producers.items()
        }
        cleaning = Round(offsets, producers, plan.end_offset, plan.wall, plan.delete_retention_ms)
        transactions = Transactions(aborted)
        for group in groups(
            [segment for segment in plan.segments if segment.base_offset <= offsets.latest_offset],
            max_bytes=plan.segment_bytes,
            max_index_bytes=plan.segment_index_bytes,
            end_offset=plan.end_offset,
        ):
            cleaned = CleanedSegment(self._disk, plan.path, group[0].base_offset, plan.index_interval_bytes)
            for segment in group:
                self._copy_segment(cleaning, transactions, segment, cleaned)
            suffixes = cleaned.finish(transactions.retained)
            transactions.retained = []
            self._result.bytes_written += cleaned.size
            done = CleanedGroup(
                cleaned.base_offset, cleaned.size, [segment.base_offset for segment in group], suffixes
            )
            progress(msgspec.json.encode(done).decode())

    def _copy_segment(
        self, cleaning: Round, transactions: Transactions, segment: Extent, cleaned: CleanedSegment
    ) -> None:
        result = self._result
        for header, batch in self._batches(segment):
            result.bytes_read += header.size
            result.batches_read += 1
            kept = keep(cleaning, transactions, header, batch)
            if kept is not None:
                result.batches_written += 1
                self._throttle.spend(cleaned.append(kept.header, kept.parts))

    def _batches(self, segment: Extent) -> Iterator[tuple[BatchHeader, memoryview]]:
        """The batches of a segment, read a buffer at a time.

        CRCs are checked: a rebuilt batch gets a new one, which must not cover up damage.
        """
        file = self._disk.open(f"{self._plan.path}/{segment_file(segment.base_offset, LOG)}")
        try:
            position = 0
            wanted = self._plan.io_buffer_bytes
            while position < segment.size:
                chunk = file.read(min(wanted, segment.size - position), position)
                self._throttle.spend(len(chunk))
                end = 0
                view = memoryview(chunk)
                for at, header in headers(chunk):
                    check_crc(chunk, header, at)
                    end = at + header.size
                    yield header, view[at:end]
                wanted = self._plan.io_buffer_bytes
                if not end:
                    wanted = batch_size(chunk, 0, len(chunk)) or 0
                    if wanted <= len(chunk) or wanted > segment.size - position:
                        raise corrupt(f"{file.path} ends inside the batch at position {position}")
                position += end
        finally:
            file.close()
