"""One partition's log: an append-only sequence of record batches in segments.

`Log` is the whole of what the rest of the node sees. It keeps the state (segments, offsets, producers, epochs) and
appends; how reads, lookups, flushes, truncation and loading go is told in modules of their own, which take the log as
their first argument.

Offsets, from the left: `start_offset` ≤ last stable offset ≤ `high_watermark` ≤ `end_offset`. Below `recovery_point`
everything is on the platter; the high watermark is set by the partition's leader or follower.

Errors: KafkaError with Kafka's codes; a disk that fails is KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

import logging
from asyncio import Future
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

from ottla.broker.storage import flushing, lookups, reading, shrinking
from ottla.broker.storage.answers import ActiveProducer, Appended, Origin, Read, TimestampOffset
from ottla.broker.storage.directory import LogDirectory, write_file
from ottla.broker.storage.segment import Segment
from ottla.core.log.checkpoints import format_epochs, format_partition_metadata
from ottla.core.log.config import LogConfig
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.index import AbortedTransaction
from ottla.core.log.names import LEADER_EPOCH_FILE, PARTITION_METADATA_FILE, snapshot_file
from ottla.core.log.plans import must_roll
from ottla.core.log.producers import ProducerStates
from ottla.core.log.scan import replay
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_TIMESTAMP, Uuid
from ottla.core.records.batch import (
    BatchHeader,
    TimestampType,
    batch_size,
    check_crc,
    headers,
    read_header,
    rewrite,
    stamp,
)
from ottla.core.records.compression import Codec
from ottla.core.records.control import end_transaction_marker
from ottla.core.records.validation import Rules, validate

_log = logging.getLogger("ottla.storage")

_PLACE_SIZE: Final = 16


def rules_of(config: LogConfig) -> Rules:
    """What a topic's settings ask of records."""
    codec = None if config.compression_type == "producer" else Codec.named(config.compression_type)
    levels = {
        Codec.GZIP: config.compression_gzip_level,
        Codec.LZ4: config.compression_lz4_level,
        Codec.ZSTD: config.compression_zstd_level,
    }
    return Rules(
        max_message_bytes=config.max_message_bytes,
        codec=codec,
        level=None if codec is None else levels.get(codec),
        compacted=config.compacts,
        timestamp_type=TimestampType.named(config.message_timestamp_type),
        before_max_ms=config.message_timestamp_before_max_ms,
        after_max_ms=config.message_timestamp_after_max_ms,
        deep=config.record_validation == "deep",
    )


class Log:
    """See the module. Made by `loading.load_log`; `path` is the partition's directory."""

    __slots__ = (
        "_bases",
        "_rules",
        "closed",
        "config",
        "cursors",
        "directory",
        "end_offset",
        "flush_listener",
        "flushed_at",
        "flushing",
        "high_watermark",
        "leader_epochs",
        "name",
        "partition",
        "path",
        "producers",
        "recovery_point",
        "segments",
        "snapshots",
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
        self._rules = rules_of(config)
        self.segments = segments
        self._bases = [segment.base_offset for segment in segments]
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.recovery_point = recovery_point
        self.high_watermark = start_offset
        self.leader_epochs = leader_epochs
        self.unsynced_names: set[str] = set()
        """Small files of the partition that were written since the last flush."""
        self.producers = producers
        self.snapshots = snapshots
        """Offsets of the producer snapshots on disk."""
        self.cursors: dict[int, tuple[Segment, int]] = {}
        self.unflushed_records = 0
        self.flushed_at = directory.clock.now()
        self.flushing: Future[Any] | None = None
        self.flush_listener: Callable[[Log], None] | None = None
        """Told when segments wait for an fsync after a roll; the store starts it."""
        self.truncation_listener: Callable[[Log], None] | None = None
        """Told when the recovery point went back: what stands in the checkpoint promises too much then."""
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
        self._rules = rules_of(config)

    def update_high_watermark(self, offset: int) -> None:
        """Set by the leader or follower; kept between the log's ends."""
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

    # -- appending -----------------------------------------------------------------------------------------------

    def append(
        self,
        records: bytes | memoryview,
        *,
        leader_epoch: int,
        origin: Origin = Origin.CLIENT,
        wall: int,
        now: int,
        transaction_version: int = 0,
    ) -> Appended:
        """Append as the leader. One batch from a client or coordinator, any number prepared by the Raft leader.

        Raises KafkaError: what `core.records.validation.validate` finds in the batch, RECORD_LIST_TOO_LARGE beyond
        `segment.bytes`, what `ProducerStates` finds in sequence and epoch, KAFKA_STORAGE_ERROR when the disk fails.
        """
        if origin == Origin.RAFT_LEADER:
            return self._append_batches(records, wall, leader_epoch)
        self.directory.check_online()
        log_append_time = NO_TIMESTAMP
        if origin == Origin.CLIENT:
            validated = validate(records, self._rules, wall, self.name)
            header, parts, log_append_time = validated.header, validated.parts, validated.log_append_time
        else:
            header, parts, log_append_time = self._take_coordinator_batch(records, wall)
        base_offset = self.end_offset
        if header.producer_id >= 0:
            duplicate = self._check_producer(header, origin, parts, transaction_version)
            if duplicate is not None:
                return duplicate
        if len(parts) == 1:
            parts = stamp(parts[0], header, base_offset, leader_epoch)
        else:
            head = stamp(parts[0], header, base_offset, leader_epoch)
            parts = [*head, *parts[1:]]
        if leader_epoch != self.leader_epochs.latest or self.leader_epochs.changed:
            self.assign_epoch(leader_epoch, base_offset)
        segment = self._writable_segment(header, header.size, header.last_offset, wall)
        self._write(segment, parts, header.size)
        self._took(segment, header)
        if header.producer_id >= 0:
            self._note_producer(segment, header, records)
        return Appended(
            base_offset,
            self.end_offset - 1,
            log_append_time,
            self.start_offset,
            False,
            self.unflushed_records >= self.config.flush_messages,
            header.size,
            header.max_timestamp,
        )

    def append_as_follower(self, records: bytes | memoryview, *, wall: int) -> Appended:
        """Append what the leader's log holds, offsets and epochs as they are. A batch cut short at the end is left."""
        return self._append_batches(records, wall, None)

    def _take_coordinator_batch(
        self, records: bytes | memoryview, wall: int
    ) -> tuple[BatchHeader, list[bytes | memoryview], int]:
        size = batch_size(records, 0, len(records))
        if size is None or size != len(records):
            raise KafkaError(
                ErrorCode.INVALID_RECORD, "exactly one whole batch is expected from a coordinator"
            )
        header = read_header(records)
        if size > self.config.max_message_bytes:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"The batch of {size} bytes for {self.name} exceeds {self.config.max_message_bytes}",
            )
        check_crc(records, header)
        if self.config.log_append_time:
            parts = rewrite(records, header, timestamp_type=TimestampType.LOG_APPEND_TIME, max_timestamp=wall)
            return header, parts, wall
        return header, [records], NO_TIMESTAMP

    def _check_producer(
        self,
        header: BatchHeader,
        origin: Origin,
        parts: Sequence[bytes | memoryview],
        transaction_version: int,
    ) -> Appended | None:
        """Raises when the producer may not write this; the first attempt's answer when it is a retry."""
        if header.is_control:
            marker = end_transaction_marker(b"".join(parts), header)
            if marker is not None:
                self.producers.check_marker(
                    header.producer_id, header.producer_epoch, marker.coordinator_epoch, transaction_version
                )
            return None
        kept = self.producers.check_batch(
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
            header.last_offset_delta,
            header.is_transactional,
            origin == Origin.CLIENT,
        )
        if kept is None:
            return None
        return Appended(
            kept.first_offset, kept.last_offset, kept.timestamp, self.start_offset, duplicate=True
        )

    def _append_batches(self, records: bytes | memoryview, wall: int, raft_epoch: int | None) -> Appended:
        """Append batches whose offsets are set. `raft_epoch`: the epoch all of them have to carry."""
        self.directory.check_online()
        view = memoryview(records)
        taken: list[tuple[int, BatchHeader]] = []
        following = self.end_offset
        for position, header in headers(records):
            check_crc(view, header, position)
            if raft_epoch is not None and header.leader_epoch != raft_epoch:
                raise KafkaError(
                    ErrorCode.INVALID_RECORD,
                    f"The Raft leader of epoch {raft_epoch} appends a batch of epoch {header.leader_epoch}",
                )
            if header.base_offset < following:
                raise KafkaError(
                    ErrorCode.INVALID_RECORD,
                    f"Offset {header.base_offset} cannot be appended to {self.name}, its next offset is {following}",
                )
            following = header.last_offset + 1
            taken.append((position, header))
        if not taken:
            return Appended(self.end_offset, self.end_offset - 1, NO_TIMESTAMP, self.start_offset)
        first = taken[0][1]
        end = taken[-1][0] + taken[-1][1].size
        max_timestamp = max(header.max_timestamp for _, header in taken)
        for _, header in taken:
            if header.leader_epoch > self.leader_epochs.latest or self.leader_epochs.changed:
                self.assign_epoch(header.leader_epoch, header.base_offset)
        segment = self._writable_segment(first, end, following - 1, wall)
        self._write(segment, [view[:end]], end)
        for position, header in taken:
            batch = view[position : position + header.size]
            self._took(segment, header)
            if header.producer_id >= 0:
                self._note_producer(segment, header, batch)
        must_flush = self.unflushed_records >= self.config.flush_messages
        return Appended(
            first.base_offset,
            following - 1,
            NO_TIMESTAMP,
            self.start_offset,
            False,
            must_flush,
            end,
            max_timestamp,
        )

    def _writable_segment(self, header: BatchHeader, incoming: int, last_offset: int, wall: int) -> Segment:
        """The segment that takes `incoming` bytes beginning with `header`: the active one, or a new one."""
        config = self.config
        if incoming > config.segment_bytes:
            raise KafkaError(
                ErrorCode.RECORD_LIST_TOO_LARGE,
                f"{incoming} bytes for {self.name} exceed the segment size of {config.segment_bytes}",
            )
        segment = self.segments[-1]
        if must_roll(
            config,
            segment.base_offset,
            segment.size,
            incoming,
            last_offset,
            segment.waited_ms(header.max_timestamp, wall),
            segment.jitter_ms,
            len(segment.index),
            len(segment.time_index),
        ):
            return self.roll(wall, header.base_offset)
        return segment

    def _write(self, segment: Segment, parts: Sequence[bytes | memoryview], size: int) -> None:
        position = segment.size
        try:
            segment.file.write(parts, position)
        except OSError as error:
            self._undo_write(segment, position)
            raise self.directory.storage_error(f"appending to {self.name}", error) from error
        segment.size = position + size

    def _undo_write(self, segment: Segment, position: int) -> None:
        """Part of a batch may be in the file: take it out, or the next append would follow a torn one."""
        try:
            segment.file.truncate(position)
        except OSError as error:
            self.directory.fail(f"cutting off a torn append to {self.name}", error)

    def _took(self, segment: Segment, header: BatchHeader) -> None:
        """The batch of `header` is at the end of `segment`: indexes and offsets follow. Nothing here can fail."""
        last_offset = header.last_offset
        if segment.first_timestamp is None:
            segment.first_timestamp = header.max_timestamp
        segment.index_batch(header.size, last_offset, header.max_timestamp, self.config.index_interval_bytes)
        self.end_offset = last_offset + 1
        self.producers.end_offset = last_offset + 1
        self.unflushed_records += header.last_offset_delta + 1

    def _note_producer(self, segment: Segment, header: BatchHeader, batch: bytes | memoryview) -> None:
        ended = replay(self.producers, header, batch)
        if ended is not None and ended[0].aborted:
            completed, stable = ended
            segment.transactions.add(
                AbortedTransaction(
                    completed.producer_id, completed.first_offset, completed.last_offset, stable
                )
            )

    # -- topic id, epochs, rolling -----------------------------------------------------------------------------------------

    def assign_topic_id(self, topic_id: Uuid) -> None:
        """The log belongs to this topic: written down, durable with the next flush. Raises KafkaError."""
        data = format_partition_metadata(topic_id).encode()
        try:
            write_file(self.directory.disk, f"{self.path}/{PARTITION_METADATA_FILE}", data, sync=False)
        except OSError as error:
            raise self.directory.storage_error(f"writing the topic id of {self.name}", error) from error
        self.topic_id = topic_id
        self.unsynced_names.add(PARTITION_METADATA_FILE)

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
        """Write the epoch checkpoint if the cache changed. It becomes durable with the next flush."""
        if not self.leader_epochs.changed:
            return
        text = format_epochs(self.leader_epochs.entries())
        try:
            write_file(self.directory.disk, f"{self.path}/{LEADER_EPOCH_FILE}", text.encode(), sync=False)
        except OSError as error:
            raise self.directory.storage_error(f"writing the leader epochs of {self.name}", error) from error
        self.leader_epochs.changed = False
        self.unsynced_names.add(LEADER_EPOCH_FILE)

    def roll(self, wall: int, base_offset: int | None = None) -> Segment:
        """Close the active segment and open one that begins at `base_offset` (the end offset when not given)."""
        base = self.end_offset if base_offset is None else max(base_offset, self.end_offset)
        old = self.segments[-1]
        if old.base_offset == base:
            return old
        try:
            old.seal()
            segment = Segment.make(self.directory.disk, self.path, base, wall=wall, jitter_ms=self._jitter())
            self.producers.end_offset = base
            self.take_snapshot()
        except OSError as error:
            raise self.directory.storage_error(f"rolling {self.name}", error) from error
        self.segments.append(segment)
        self._bases.append(base)
        _log.info("Rolled %s at offset %d: segments=%d", self.name, base, len(self.segments))
        if self.flush_listener is not None:
            self.flush_listener(self)
        return segment

    def _jitter(self) -> int:
        bound = min(self.config.segment_jitter_ms, self.config.segment_ms)
        return self.directory.chance.below(bound) if bound > 0 else 0

    def take_snapshot(self, *, sync: bool = False) -> None:
        """Write the producers as they are at the end offset, unless that was done already. Raises OSError."""
        offset = self.producers.end_offset
        if offset <= self.producers.snapshot_offset:
            return
        path = f"{self.path}/{snapshot_file(offset)}"
        disk = self.directory.disk
        file = disk.open(path, create=True)
        try:
            file.truncate(0)
            file.write([self.producers.snapshot()], 0)
            if sync:
                file.sync_now()
        finally:
            file.close()
        self.snapshots.add(offset)
        self.producers.snapshot_offset = offset

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
