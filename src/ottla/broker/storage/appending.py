"""Appending to a log: check, stamp, write, and let indexes, epochs and producers follow.

The leader's append assigns offsets; a follower's, and the Raft leader's, takes batches as they are. Nothing of a batch
that was refused stays behind: a write that fails halfway is cut off again before the error leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ottla.broker.storage.answers import Appended, Origin
from ottla.broker.storage.segment import Segment
from ottla.core.log.index import AbortedTransaction
from ottla.core.log.plans import must_roll
from ottla.core.log.scan import replay
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_TIMESTAMP
from ottla.core.records.batch import (
    BatchHeader,
    TimestampType,
    batch_size,
    check_crc,
    headers,
    read_header,
)
from ottla.core.records.control import end_transaction_marker
from ottla.core.records.stamping import rewrite, stamp
from ottla.core.records.validation import validate

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

CLIENT: Final = Origin.CLIENT
RAFT_LEADER: Final = Origin.RAFT_LEADER


def append(
    log: Log,
    records: bytes | memoryview,
    leader_epoch: int,
    origin: Origin,
    wall: int,
    transaction_version: int = 0,
    header: BatchHeader | None = None,
) -> Appended:
    """Append as the leader. One batch from a client or coordinator, any number prepared by the Raft leader.

    `header`: that of a client's batch, when `check_produce` has read it already.

    Raises KafkaError: what `core.records.validation.validate` finds in the batch, RECORD_LIST_TOO_LARGE beyond
    `segment.bytes`, what `ProducerStates` finds in sequence and epoch, KAFKA_STORAGE_ERROR when the disk fails.
    """
    if origin is RAFT_LEADER:
        return _append_batches(log, records, wall, leader_epoch)
    log.directory.check_online()
    log_append_time = NO_TIMESTAMP
    if origin is CLIENT:
        validated = validate(records, log.rules, wall, log.name, header)
        header, parts, log_append_time = validated.header, validated.parts, validated.log_append_time
    else:
        header, parts, log_append_time = _take_coordinator_batch(log, records, wall)
    base_offset = log.end_offset
    sequenced = header.producer_id >= 0
    if sequenced:
        duplicate = _check_producer(log, header, origin, parts, transaction_version)
        if duplicate is not None:
            return duplicate
    stamped = stamp(parts[0], header, base_offset, leader_epoch)
    if len(parts) > 1:
        stamped += parts[1:]
    if leader_epoch != log.leader_epochs.latest or log.leader_epochs.changed:
        log.assign_epoch(leader_epoch, base_offset)
    size, last_offset = header.size, header.last_offset
    segment = _writable_segment(log, header, size, last_offset, wall)
    _write(log, segment, stamped, size)
    _took(log, segment, header, size, last_offset)
    if sequenced:
        _note_producer(log, segment, header, records)
    return Appended(
        base_offset,
        last_offset,
        log_append_time,
        log.start_offset,
        False,
        log.unflushed_records >= log.config.flush_messages,
        size,
        header.max_timestamp,
    )


def append_as_follower(log: Log, records: bytes | memoryview, wall: int) -> Appended:
    """Append what the leader's log holds, offsets and epochs as they are. A batch cut short at the end is left."""
    return _append_batches(log, records, wall, None)


def _take_coordinator_batch(
    log: Log, records: bytes | memoryview, wall: int
) -> tuple[BatchHeader, list[bytes | memoryview], int]:
    size = batch_size(records, 0, len(records))
    if size is None or size != len(records):
        raise KafkaError(ErrorCode.INVALID_RECORD, "exactly one whole batch is expected from a coordinator")
    header = read_header(records)
    if size > log.config.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The batch of {size} bytes for {log.name} exceeds {log.config.max_message_bytes}",
        )
    check_crc(records, header)
    if log.config.log_append_time:
        parts = rewrite(records, header, timestamp_type=TimestampType.LOG_APPEND_TIME, max_timestamp=wall)
        return header, parts, wall
    return header, [records], NO_TIMESTAMP


def _check_producer(
    log: Log,
    header: BatchHeader,
    origin: Origin,
    parts: Sequence[bytes | memoryview],
    transaction_version: int,
) -> Appended | None:
    """Raises when the producer may not write this; the first attempt's answer when it is a retry."""
    if header.is_control:
        marker = end_transaction_marker(b"".join(parts), header)
        if marker is not None:
            log.producers.check_marker(
                header.producer_id, header.producer_epoch, marker.coordinator_epoch, transaction_version
            )
        return None
    kept = log.producers.check_batch(
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.last_offset_delta,
        header.is_transactional,
        origin is CLIENT,
    )
    if kept is None:
        return None
    return Appended(kept.first_offset, kept.last_offset, kept.timestamp, log.start_offset, duplicate=True)


def _append_batches(log: Log, records: bytes | memoryview, wall: int, raft_epoch: int | None) -> Appended:
    """Append batches whose offsets are set. `raft_epoch`: the epoch all of them have to carry."""
    log.directory.check_online()
    view = memoryview(records)
    taken: list[tuple[int, BatchHeader]] = []
    following = log.end_offset
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
                f"Offset {header.base_offset} cannot be appended to {log.name}, its next offset is {following}",
            )
        following = header.last_offset + 1
        taken.append((position, header))
    if not taken:
        return Appended(log.end_offset, log.end_offset - 1, NO_TIMESTAMP, log.start_offset)
    first = taken[0][1]
    end = taken[-1][0] + taken[-1][1].size
    max_timestamp = max(header.max_timestamp for _, header in taken)
    for _, header in taken:
        if header.leader_epoch > log.leader_epochs.latest or log.leader_epochs.changed:
            log.assign_epoch(header.leader_epoch, header.base_offset)
    segment = _writable_segment(log, first, end, following - 1, wall)
    _write(log, segment, [view[:end]], end)
    for position, header in taken:
        batch = view[position : position + header.size]
        _took(log, segment, header, header.size, header.last_offset)
        if header.producer_id >= 0:
            _note_producer(log, segment, header, batch)
    must_flush = log.unflushed_records >= log.config.flush_messages
    return Appended(
        first.base_offset,
        following - 1,
        NO_TIMESTAMP,
        log.start_offset,
        False,
        must_flush,
        end,
        max_timestamp,
    )


def _writable_segment(log: Log, header: BatchHeader, incoming: int, last_offset: int, wall: int) -> Segment:
    """The segment that takes `incoming` bytes beginning with `header`: the active one, or a new one."""
    limits = log.limits
    if incoming > limits.bytes:
        raise KafkaError(
            ErrorCode.RECORD_LIST_TOO_LARGE,
            f"{incoming} bytes for {log.name} exceed the segment size of {limits.bytes}",
        )
    segment = log.segments[-1]
    try:
        rolls = must_roll(
            limits,
            segment.base_offset,
            segment.size,
            incoming,
            last_offset,
            segment.waited_ms(header.max_timestamp, wall),
            segment.jitter_ms,
            segment.index.count,
            segment.time_index.count,
        )
    except OSError as error:
        raise log.directory.read_error(f"reading {log.name}", error) from error
    return log.roll(wall, header.base_offset) if rolls else segment


def _write(log: Log, segment: Segment, parts: Sequence[bytes | memoryview], size: int) -> None:
    position = segment.size
    try:
        segment.file.write(parts, position)
    except OSError as error:
        _undo_write(log, segment, position)
        raise log.directory.storage_error(f"appending to {log.name}", error) from error
    segment.size = position + size


def _undo_write(log: Log, segment: Segment, position: int) -> None:
    """Part of a batch may be in the file: take it out, or the next append would follow a torn one."""
    try:
        segment.file.truncate(position)
    except OSError as error:
        log.directory.fail(f"cutting off a torn append to {log.name}", error)


def _took(log: Log, segment: Segment, header: BatchHeader, size: int, last_offset: int) -> None:
    """The batch of `header` is at the end of `segment`: indexes and offsets follow. Nothing here can fail."""
    if segment.first_timestamp is None:
        segment.first_timestamp = header.max_timestamp
    segment.index_batch(size, last_offset, header.max_timestamp, log.config.index_interval_bytes)
    log.end_offset = last_offset + 1
    log.producers.end_offset = last_offset + 1
    log.unflushed_records += header.last_offset_delta + 1


def _note_producer(log: Log, segment: Segment, header: BatchHeader, batch: bytes | memoryview) -> None:
    """The batch of `header`, which carries a producer id, is in the log."""
    ended = replay(log.producers, header, batch)
    if ended is not None and ended[0].aborted:
        completed, stable = ended
        segment.transactions.add(
            AbortedTransaction(completed.producer_id, completed.first_offset, completed.last_offset, stable)
        )
