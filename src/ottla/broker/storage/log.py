"""One partition's log: an append-only sequence of record batches in segments.

`Log` is the whole of what the rest of the node sees. It keeps the state (segments, offsets, producers, epochs) and
appends; how reads, lookups, flushes, truncation and loading go is told in modules of their own, which take the log as
their first argument.

Offsets, from the left: `start_offset` ≤ last stable offset ≤ `high_watermark` ≤ `end_offset`. Below `recovery_point`
everything is on the platter; the high watermark is set by the partition's leader or follower.

Errors: KafkaError with Kafka's codes; a disk that fails is KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from ottla.broker.one_at_a_time import OneAtATime
from ottla.broker.storage import appending, flushing, lookups, reading, rolling, shrinking, side_files
from ottla.broker.storage.answers import ActiveProducer, Appended, Origin, Read, TimestampOffset
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.segment import Segment
from ottla.core.log.config import LogConfig
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.index import AbortedTransaction
from ottla.core.log.plans import RollLimits
from ottla.core.log.producers import ProducerStates
from ottla.core.log.rules import rules_of
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import BatchHeader
from ottla.world.doors import FileSlice


class Log:
    """See the module. Made by `loading.load_log`; `path` is the partition's directory."""

    __slots__ = (
        "_bases",
        "closed",
        "config",
        "cursors",
        "directory",
        "durable_name",
        "end_offset",
        "flush_listener",
        "flushed_at",
        "flushing",
        "high_watermark",
        "leader_epochs",
        "limits",
        "name",
        "partition",
        "path",
        "producers",
        "recovery_point",
        "rules",
        "segments",
        "snapshots",
        "start_listener",
        "start_offset",
        "topic",
        "topic_id",
        "truncation_listener",
        "unflushed_records",
        "unsynced_names",
    )

    def __init__(
        self,
        directory: LogDirectory,
        path: str,
        topic: str,
        partition: int,
        topic_id: Uuid,
        config: LogConfig,
        *,
        segments: list[Segment],
        start_offset: int,
        end_offset: int,
        recovery_point: int,
        leader_epochs: LeaderEpochs,
        producers: ProducerStates,
        snapshots: set[int],
    ) -> None:
        self.directory = directory
        self.path = path
        self.topic = topic
        self.partition = partition
        self.topic_id = topic_id
        self.name = f"{topic}-{partition}"
        self.config = config
        self.rules = rules_of(config)
        self.limits = RollLimits(config)
        self.segments = segments
        self._bases = [segment.base_offset for segment in segments]
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.recovery_point = recovery_point
        self.high_watermark = start_offset
        self.leader_epochs = leader_epochs
        self.durable_name = True
        """Whether the partition's directory is on the platter by its name."""
        self.unsynced_names: set[str] = set()
        """Small files of the partition that were written since the last flush."""
        self.producers = producers
        self.snapshots = snapshots
        """Offsets of the producer snapshots on disk."""
        self.cursors: dict[int, tuple[Segment, int]] = {}
        self.unflushed_records = 0
        self.flushed_at = directory.clock.now()
        self.flushing = OneAtATime(directory.clock)
        self.flush_listener: Callable[[Log], None] | None = None
        """Told when segments wait for an fsync after a roll; the store starts it."""
        self.truncation_listener: Callable[[Log], None] | None = None
        """Told when the recovery point went back: what stands in the checkpoint promises too much then."""
        self.start_listener: Callable[[Log], None] | None = None
        """Told when the start offset rose: readers hear of it."""
        self.closed = False

    # -- facts ---------------------------------------------------------------------------------------------------

    @property
    def active(self) -> Segment:
        return self.segments[-1]

    @property
    def size(self) -> int:
        """Bytes of all segments, without indexes."""
        return sum(segment.size for segment in self.segments)

    @property
    def first_unstable_offset(self) -> int | None:
        """Where the oldest transaction that is not decided (or whose marker is not replicated) begins."""
        first = self.producers.first_unstable
        return None if first is None else max(first, self.start_offset)

    @property
    def last_stable_offset(self) -> int:
        """What `read_committed` consumers may read up to."""
        first = self.producers.first_unstable
        if first is None or first >= self.high_watermark:
            return self.high_watermark
        return max(first, self.start_offset)

    def slot(self, offset: int) -> int:
        """Which segment `offset` falls into; -1 below the first."""
        return bisect_right(self._bases, offset) - 1

    def update_config(self, config: LogConfig) -> None:
        self.config = config
        self.rules = rules_of(config)
        self.limits = RollLimits(config)

    def update_high_watermark(self, offset: int) -> None:
        """Set by the leader or follower; kept between the log's ends."""
        if not self.start_offset <= offset <= self.end_offset:
            offset = min(max(offset, self.start_offset), self.end_offset)
        if offset != self.high_watermark:
            self.high_watermark = offset
            self.producers.on_high_watermark(offset)

    def active_producers(self) -> list[ActiveProducer]:
        return [
            ActiveProducer(
                state.producer_id,
                state.epoch,
                state.last_sequence,
                state.timestamp,
                state.coordinator_epoch,
                state.transaction_start,
            )
            for state in self.producers
        ]

    # -- appending, in a module of its own ------------------------------------------------------------------------

    def append(
        self,
        records: bytes | memoryview,
        *,
        leader_epoch: int,
        origin: Origin = Origin.CLIENT,
        wall: int,
        transaction_version: int = 0,
        header: BatchHeader | None = None,
    ) -> Appended:
        """See `appending.append`."""
        return appending.append(self, records, leader_epoch, origin, wall, transaction_version, header)

    def append_as_follower(self, records: bytes | memoryview, *, wall: int) -> Appended:
        """See `appending.append_as_follower`."""
        return appending.append_as_follower(self, records, wall)

    # -- topic id, epochs, rolling -----------------------------------------------------------------------------------------

    def assign_topic_id(self, topic_id: Uuid) -> None:
        """The log belongs to this topic: written down, durable with the next flush. Raises KafkaError."""
        side_files.write_topic_id(self, topic_id)

    def assign_epoch(self, epoch: int, start: int) -> None:
        """A leader of `epoch` writes from `start` on. Raises KafkaError; a later call writes what this one could not."""
        if epoch >= 0:
            self.leader_epochs.assign(epoch, start)
        self.write_epochs()

    def lead(self, epoch: int) -> None:
        """A leader of `epoch` takes over. Nothing is written before its first record: an epoch without records says
        nothing that the end of the log does not say, and a node takes over thousands of partitions at once."""
        if epoch > self.leader_epochs.latest:
            self.leader_epochs.assign(epoch, self.end_offset)

    def write_epochs(self) -> None:
        """Write the epoch checkpoint if the cache changed; durable with the next flush. Raises KafkaError."""
        side_files.write_epochs(self)

    def roll(self, wall: int, base_offset: int | None = None) -> Segment:
        """Close the active segment and open one that begins at `base_offset` (the end offset when not given)."""
        return rolling.roll(self, wall, base_offset)

    def append_segment(self, segment: Segment) -> None:
        """`segment`, which begins at the end, is the active one from now on."""
        self.segments.append(segment)
        self._bases.append(segment.base_offset)
        if self.flush_listener is not None:
            self.flush_listener(self)

    def take_snapshot(self) -> None:
        """Write the producers as they are at the end offset, unless that was done already. Raises OSError."""
        side_files.take_snapshot(self)

    def relocate(self, path: str) -> None:
        """The partition's directory was renamed to `path`: files are opened there from now on."""
        self.path = path
        self.cursors.clear()
        for segment in self.segments:
            segment.relocate(path)

    def set_segments(self, segments: list[Segment]) -> None:
        """The segments are these from now on."""
        self.segments = segments
        self._bases = [segment.base_offset for segment in segments]
        self.cursors.clear()

    # -- reading, in modules of their own ------------------------------------------------------------------------

    def read(
        self, offset: int, max_bytes: int, *, min_one: bool = True, limit_offset: int | None = None
    ) -> Read:
        """See `reading.read`."""
        return reading.read(self, offset, max_bytes, min_one, limit_offset)

    def copied(self, read: Read) -> bytes | FileSlice | None:
        """See `reading.copied`."""
        return reading.copied(self, read)

    def is_warm(self, read: Read) -> bool:
        """Whether `read` can be sent without waiting for the disk, as far as one can tell."""
        return reading.is_warm(read)

    async def warm(self, read: Read) -> None:
        """Bring the bytes of `read` into the page cache, off the loop. Raises KafkaError when the disk fails."""
        await reading.warm(self, read)

    def offset_for_timestamp(self, timestamp: int) -> TimestampOffset | None:
        """See `lookups.offset_for_timestamp`."""
        return lookups.offset_for_timestamp(self, timestamp)

    def max_timestamp(self) -> TimestampOffset | None:
        """See `lookups.max_timestamp`."""
        return lookups.max_timestamp(self)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int] | None:
        """`(epoch, end offset)` of the largest epoch not above the one asked for (KIP-320); None when unknown."""
        return self.leader_epochs.end_offset(epoch, self.end_offset)

    def aborted_transactions(self, offset: int, upper_offset: int) -> list[AbortedTransaction]:
        """See `lookups.aborted_transactions`."""
        return lookups.aborted_transactions(self, offset, upper_offset)

    # -- shrinking, flushing -------------------------------------------------------------------------------------

    def truncate_to(self, offset: int, *, wall: int) -> bool:
        """See `shrinking.truncate_to`."""
        return shrinking.truncate_to(self, offset, wall)

    def truncate_fully(self, offset: int, *, wall: int) -> None:
        """See `shrinking.truncate_fully`."""
        shrinking.truncate_fully(self, offset, wall)

    def delete_records_before(self, offset: int) -> int:
        """See `shrinking.raise_start`. The new start offset; -1 means: up to the high watermark."""
        return shrinking.raise_start(self, self.high_watermark if offset == -1 else offset)

    def apply_retention(self, wall: int) -> int:
        """See `shrinking.apply_retention`."""
        return shrinking.apply_retention(self, wall)

    async def flush(self, up_to: int | None = None) -> None:
        """See `flushing.flush`."""
        await flushing.flush(self, up_to)

    def seal(self) -> None:
        """See `flushing.seal`: the last thing before an orderly end."""
        flushing.seal(self)

    def release(self) -> None:
        """Let go of all files without writing anything."""
        self.closed = True
        self.cursors.clear()
        for segment in self.segments:
            segment.close()

    def __repr__(self) -> str:
        return f"Log({self.path}, {self.start_offset}..{self.end_offset})"
