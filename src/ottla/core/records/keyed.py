"""Records by their keys: for who needs few of them, and knows by the key which.

A record's key stands near its start, so the rest of it is passed over unread. What is wrong in there is found when the
record itself is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ottla.core.records.batch import BatchHeader
from ottla.core.records.compression import DECOMPRESSED_LIMIT
from ottla.core.records.errors import invalid
from ottla.core.records.record import Record, parse, payload
from ottla.core.records.varint import MAX_BYTES_64, decode_varint

_NULL = 1
"""The varint of -1."""


def keyed(
    batch: bytes | memoryview, header: BatchHeader, *, limit: int = DECOMPRESSED_LIMIT
) -> Iterator[tuple[bytes | None, bytes, bool]]:
    """Of each record of one whole batch: its key, its bytes, and whether it has a value.

    Raises KafkaError (INVALID_RECORD) where the records are not as long as they say, or are not as many as the header says.
    """
    if header.count == 0:
        return
    data = payload(batch, header, limit)
    start, size = 0, len(data)
    for _ in range(header.count):
        try:
            byte = data[start]
            if byte < 0x80:
                position = start + 2
                end = start + 1 + (byte >> 1 ^ -(byte & 1))
            elif data[start + 1] < 0x80:
                position = start + 3
                byte = byte & 0x7F | data[start + 1] << 7
                end = start + 2 + (byte >> 1 ^ -(byte & 1))
            else:
                length, position = decode_varint(data, start)
                end = position + length
                position += 1
            if data[position] < 0x80:
                position += 1
            else:
                position = decode_varint(data, position, MAX_BYTES_64)[1]
            if data[position] < 0x80:
                position += 1
            else:
                position = decode_varint(data, position)[1]
            byte = data[position]
            if byte < 0x80:
                length = byte >> 1 ^ -(byte & 1)
                position += 1
            else:
                length, position = decode_varint(data, position)
            key = None
            if length >= 0:
                key = data[position : position + length]
                position += length
            has_value = data[position] != _NULL
        except IndexError:
            raise invalid("Incorrect declared batch size, premature EOF reached") from None
        if position >= end or end > size:
            raise invalid(f"Invalid record size: the record should end at {end}, its key ends at {position}")
        yield key, data[start:end], has_value
        start = end
    if start != size:
        raise invalid("Incorrect declared batch size, records still remaining in file")


def whole(data: bytes, header: BatchHeader) -> Record:
    """The record that these bytes of the batch are. Raises KafkaError (INVALID_RECORD)."""
    return next(parse(data, header, 1))
