"""What a broker writes into a batch that it stores: its place in the log, and at times who set the timestamps.

The answers are parts, the head that was written anew and a view of the untouched tail, ready for a vectored write.
"""

from __future__ import annotations

import struct

from ottla.core.records.batch import (
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    MAGIC_POSITION,
    BatchHeader,
    TimestampType,
    pack_header,
)

_PLACE = struct.Struct(">qii")


def stamp(
    batch: bytes | memoryview, header: BatchHeader, base_offset: int, leader_epoch: int
) -> list[bytes | memoryview]:
    """The batch at its place in the log: two parts, without a copy of the records. Updates `header` too."""
    header.base_offset = base_offset
    header.leader_epoch = leader_epoch
    tail = batch[MAGIC_POSITION:] if type(batch) is memoryview else memoryview(batch)[MAGIC_POSITION:]
    return [_PLACE.pack(base_offset, header.length, leader_epoch), tail]


def rewrite(
    batch: bytes | memoryview,
    header: BatchHeader,
    *,
    base_offset: int | None = None,
    leader_epoch: int | None = None,
    timestamp_type: TimestampType | None = None,
    max_timestamp: int | None = None,
) -> list[bytes | memoryview]:
    """The batch with some header fields changed, as parts; the CRC is computed anew where a field under it changed.

    `header` must be that of `batch` and takes the new values.
    """
    if base_offset is not None:
        header.base_offset = base_offset
    if leader_epoch is not None:
        header.leader_epoch = leader_epoch
    attributes = header.attributes
    if timestamp_type is not None:
        attributes = (attributes & ~LOG_APPEND_TIME_BIT) | (LOG_APPEND_TIME_BIT if timestamp_type else 0)
    if max_timestamp is None:
        max_timestamp = header.max_timestamp
    if attributes == header.attributes and max_timestamp == header.max_timestamp:
        return stamp(batch, header, header.base_offset, header.leader_epoch)
    header.attributes = attributes
    header.max_timestamp = max_timestamp
    records = memoryview(batch)[HEADER_SIZE:]
    return [pack_header(header, records), records]
