"""The records of a batch as columns: one pass over the payload, five lists, no object per record.

What stands at one index of the lists is one record. The values are those of `record.Record`.
"""

from __future__ import annotations

from typing import Any, Final

from ottla.core.records.batch import BatchHeader, TimestampType
from ottla.core.records.compression import DECOMPRESSED_LIMIT
from ottla.core.records.errors import invalid
from ottla.core.records.record import Header, payload, read_headers
from ottla.core.records.varint import MAX_BYTES_64, decode_varint

NO_HEADERS: Final[tuple[Header, ...]] = ()


class Columns:
    """Records side by side: all five lists are equally long. Timestamps are milliseconds since 1970 (-1: none)."""

    __slots__ = ("headers", "keys", "offsets", "timestamps", "values")

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.timestamps: list[int] = []
        self.keys: list[bytes | None] = []
        self.values: list[bytes | None] = []
        self.headers: list[tuple[Header, ...]] = []

    def __len__(self) -> int:
        return len(self.offsets)


def append_columns(
    into: Columns,
    batch: bytes | memoryview,
    header: BatchHeader,
    first_offset: int = 0,
    limit: int = DECOMPRESSED_LIMIT,
) -> None:
    """Put the records of one whole batch, from `first_offset` on, behind what is there already.

    Raises KafkaError (INVALID_RECORD) for contents that are not what the header says; what was read before the fault
    stays. The CRC is not checked here. Numbers of one byte and positive ones of two, which nearly all are, are read in place.
    """
    if header.count == 0:
        return
    data = payload(batch, header, limit)
    stamped = header.timestamp_type == TimestampType.LOG_APPEND_TIME
    append_time = header.max_timestamp
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    offsets, timestamps, keys = into.offsets, into.timestamps, into.keys
    values, all_headers = into.values, into.headers
    # Records of one millisecond share their timestamp, as an object too.
    delta = 0
    moment: Any = append_time if stamped else base_timestamp
    position = 0
    for _ in range(header.count):
        try:
            length = data[position]
            after = data[position + 1]
            if length < 0x80:
                end = position + 1 + (length >> 1 ^ -(length & 1))
                position += 2
            elif after < 0x80 and not length & 1:
                end = position + 2 + ((length & 0x7F) >> 1 | after << 6)
                position += 3
            else:
                length, position = decode_varint(data, position)
                end = position + length
                position += 1
            timestamp = data[position]
            if timestamp < 0x80:
                timestamp = timestamp >> 1 ^ -(timestamp & 1)
                position += 1
            else:
                timestamp, position = decode_varint(data, position, MAX_BYTES_64)
            offset = data[position]
            after = data[position + 1]
            if after < 0x80 and offset >= 0x80 and not offset & 1:
                offset = (offset & 0x7F) >> 1 | after << 6
                position += 2
            else:
                offset, position = decode_varint(data, position)
            size = data[position]
            if size < 0x80:
                size = size >> 1 ^ -(size & 1)
                position += 1
            else:
                size, position = decode_varint(data, position)
            key = None
            if size >= 0:
                key = data[position : position + size]
                position += size
            size = data[position]
            after = data[position + 1]
            if after < 0x80 and size >= 0x80 and not size & 1:
                size = (size & 0x7F) >> 1 | after << 6
                position += 2
            else:
                size, position = decode_varint(data, position)
            value = None
            if size >= 0:
                value = data[position : position + size]
                position += size
            if data[position] == 0:
                found = NO_HEADERS
                position += 1
            else:
                found, position = read_headers(data, position)
        except IndexError:
            raise invalid("Incorrect declared batch size, premature EOF reached") from None
        if position != end or end > len(data):
            raise invalid(
                f"Invalid record size: the record should end at {end}, its fields end at {position}"
            )
        offset += base_offset
        if offset >= first_offset:
            offsets.append(offset)
            if timestamp != delta:
                delta = timestamp
                moment = append_time if stamped else base_timestamp + timestamp
            timestamps.append(moment)
            keys.append(key)
            values.append(value)
            all_headers.append(found)
    if position != len(data):
        raise invalid("Incorrect declared batch size, records still remaining in file")
