"""Questions to a log that need more than its offsets: by time, by transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.broker.storage.answers import TimestampOffset
from ottla.broker.storage.segment import Segment
from ottla.core.log.index import AbortedTransaction
from ottla.core.model.ids import NO_EPOCH, NO_TIMESTAMP
from ottla.core.records.batch import BatchHeader, TimestampType
from ottla.core.records.record import records

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

LATEST: Final = -1
EARLIEST: Final = -2
MAX_TIMESTAMP: Final = -3
EARLIEST_LOCAL: Final = -4
LATEST_TIERED: Final = -5
EARLIEST_PENDING_UPLOAD: Final = -6


def offset_for_timestamp(log: Log, timestamp: int) -> TimestampOffset | None:
    """The first record at or after the start offset whose timestamp is at least `timestamp`; None without one.

    Negative timestamps are ListOffsets' special ones: LATEST is the log's end here (a leader answers with its high
    watermark or last stable offset), the two of tiered storage say -1 as there is none. Raises KafkaError.
    """
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return TimestampOffset(NO_TIMESTAMP, log.start_offset, _earliest_epoch(log))
    if timestamp == LATEST:
        return TimestampOffset(NO_TIMESTAMP, log.end_offset, log.leader_epochs.latest)
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return TimestampOffset(NO_TIMESTAMP, -1, NO_EPOCH)
    try:
        if timestamp == MAX_TIMESTAMP:
            return max_timestamp(log)
        return _search(log, timestamp)
    except OSError as error:
        raise log.directory.read_error(f"searching {log.name}", error) from error


def _earliest_epoch(log: Log) -> int:
    earliest = log.leader_epochs.earliest
    return earliest[0] if earliest is not None and earliest[1] <= log.start_offset else NO_EPOCH


def _search(log: Log, timestamp: int) -> TimestampOffset | None:
    for segment in log.segments:
        if segment.size == 0 or segment.max_timestamp < timestamp:
            continue
        start = max(segment.time_index.offset(timestamp), log.start_offset)
        position = segment.index.position(start)
        while position < segment.size:
            header = segment.header_at(position)
            if header.max_timestamp >= timestamp and header.last_offset >= log.start_offset:
                found = _first_record(segment, position, header, timestamp, log.start_offset)
                if found is not None:
                    return found
            position += header.size
    return None


def _first_record(
    segment: Segment, position: int, header: BatchHeader, timestamp: int, start_offset: int
) -> TimestampOffset | None:
    """The first record of the batch at `position` with at least `timestamp`, at or after `start_offset`."""
    if header.timestamp_type == TimestampType.LOG_APPEND_TIME and header.base_offset >= start_offset:
        return TimestampOffset(header.max_timestamp, header.base_offset, header.leader_epoch)
    for record in records(segment.file.read(header.size, position), header):
        if record.timestamp >= timestamp and record.offset >= start_offset:
            return TimestampOffset(record.timestamp, record.offset, header.leader_epoch)
    return None


def max_timestamp(log: Log) -> TimestampOffset | None:
    """The record with the largest timestamp, the first of them when several have it (KIP-734)."""
    best: Segment | None = None
    for segment in log.segments:
        if segment.max_timestamp >= 0 and (best is None or segment.max_timestamp > best.max_timestamp):
            best = segment
    if best is None:
        return None
    wanted = best.max_timestamp
    position = best.index.position(best.max_timestamp_offset)
    while position < best.size:
        header = best.header_at(position)
        if header.max_timestamp == wanted:
            return _first_record(best, position, header, wanted, header.base_offset)
        position += header.size
    return None


def aborted_transactions(log: Log, offset: int, upper_offset: int) -> list[AbortedTransaction]:
    """Transactions aborted later that have records in [offset, upper_offset). Raises KafkaError."""
    found: list[AbortedTransaction] = []
    try:
        for segment in log.segments[max(log.slot(offset), 0) :]:
            for entry in segment.transactions.entries():
                if entry.last_offset >= offset and entry.first_offset < upper_offset:
                    found.append(entry)
                if entry.last_stable_offset >= upper_offset:
                    return found
    except OSError as error:
        raise log.directory.read_error(f"reading aborted transactions of {log.name}", error) from error
    return found
