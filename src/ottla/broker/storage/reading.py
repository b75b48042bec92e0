"""Reading a log: which stretch of which file answers a fetch.

The answer is a slice of a file, cut at batch boundaries, that the network sends from the page cache.
Where a fetch begins is usually where the last one ended, so every log remembers a few such places; else the offset
index says where to start walking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.broker.storage.answers import Read
from ottla.broker.storage.segment import Segment
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.world.doors import FileSlice

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

_CURSORS: Final = 8
"""Places a log remembers: one for each consumer that reads it at its own pace, up to this many."""

_RECENT: Final = 4 << 20
"""Bytes at the end of the active segment that were written so lately that they must be in the page cache."""

_WARM_STEP: Final = 1 << 20


def read(log: Log, offset: int, max_bytes: int, min_one: bool, limit_offset: int | None) -> Read:
    """Whole batches from `offset` on, at most `max_bytes`, none that reaches `limit_offset` (default: the end).

    With `min_one` the first batch comes even if it is larger than `max_bytes`. One answer never spans two segments.
    Raises KafkaError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
    """
    end_offset = log.end_offset
    if offset > end_offset or offset < log.start_offset:
        raise KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"Offset {offset} of {log.name} is not within {log.start_offset}..{end_offset}",
        )
    limit = end_offset if limit_offset is None or limit_offset > end_offset else limit_offset
    if offset >= limit:
        return Read(None, 0, offset, True)
    try:
        return _read(log, offset, max_bytes, min_one, limit)
    except OSError as error:
        raise log.directory.read_error(f"reading {log.name}", error) from error


def _read(log: Log, offset: int, max_bytes: int, min_one: bool, limit: int) -> Read:
    segments = log.segments
    slot = log.slot(offset)
    segment, position = log.cursors.get(offset) or (segments[slot], -1)
    if position < 0 or position >= segment.size:
        slot, position = _locate(log, offset, slot)
        if slot == len(segments):
            return Read(None, 0, offset, True)
        segment = segments[slot]
    else:
        slot = log.slot(segment.base_offset)
    last = slot + 1 == len(segments)
    segment_end = log.end_offset if last else segments[slot + 1].base_offset
    end = segment.size
    if limit < segment_end:
        place = segment.locate(limit)
        if place is not None:
            end = place.position
    stop = end
    if end - position > max_bytes:
        stop = segment.boundary(position, position + max_bytes)
        if stop <= position and min_one:
            stop = position + segment.header_at(position).size
        stop = min(stop, end)
    if stop <= position:
        return Read(None, 0, offset, True)
    upper = segment_end if stop == segment.size else segment.base_offset_at(stop)
    if last or stop < segment.size:
        _remember(log, upper, segment, stop)
    recent = last and segment.size - position <= _RECENT
    return Read(FileSlice(segment.file, position, stop - position), stop - position, upper, recent)


def _locate(log: Log, offset: int, slot: int) -> tuple[int, int]:
    """`(slot, position)` of the first batch that ends at `offset` or later. Compaction may have emptied the end of a
    segment, so the batch can be in a later one; the number of segments means there is none."""
    slot = max(slot, 0)
    while slot < len(log.segments):
        place = log.segments[slot].locate(offset)
        if place is not None:
            return slot, place.position
        slot += 1
    return slot, 0


def _remember(log: Log, offset: int, segment: Segment, position: int) -> None:
    cursors = log.cursors
    cursors.pop(offset, None)
    if len(cursors) >= _CURSORS:
        del cursors[next(iter(cursors))]
    cursors[offset] = (segment, position)


def copied(log: Log, read: Read) -> bytes | FileSlice | None:
    """The records of a recent read as bytes, its slice let go: for a few records one call here is cheaper than all
    that a slice needs on its way to the socket. Raises KafkaError when the disk fails."""
    records = read.records
    if records is None:
        return None
    try:
        data = records.file.read(records.size, records.position)
    except OSError as error:
        records.release()
        raise log.directory.read_error(f"reading {log.name}", error) from error
    if len(data) != records.size:
        return records
    read.records = None
    records.release()
    return data


def is_warm(read: Read) -> bool:
    records = read.records
    return read.recent or records is None or records.file.is_warm(records.size, records.position)


async def warm(log: Log, read: Read) -> None:
    records = read.records
    if records is None:
        return
    end = records.position + records.size
    try:
        for position in range(records.position, end, _WARM_STEP):
            await records.file.read_cold(min(_WARM_STEP, end - position), position)
    except OSError as error:
        raise log.directory.read_error(f"reading {log.name}", error) from error
