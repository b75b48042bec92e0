"""Records: what is inside a batch.

    length varint, attributes i8, timestamp delta varlong, offset delta varint,
    key length varint, key, value length varint, value,
    header count varint, then for each: key length varint, key, value length varint, value

Lengths of -1 stand for null. A record in the sense of this module is read from the batch's decompressed payload in
one walk over bytes and positions: `walk` gives positions only (validation and compaction copy or skip whole records),
`records` makes `Record`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from ottla.core.records.batch import HEADER_SIZE, BatchHeader, TimestampType, read_header
from ottla.core.records.compression import DECOMPRESSED_LIMIT, Codec, decompress
from ottla.core.records.errors import invalid
from ottla.core.records.varint import MAX_BYTES_64, decode_varint

Header: TypeAlias = "tuple[str, bytes | None]"


class Record(msgspec.Struct, gc=False):
    """One record. `timestamp` is milliseconds since 1970 (-1: none), `headers` are in their order and may repeat."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


class Span(msgspec.Struct, gc=False):
    """Where one record lies in a payload: positions and sizes in bytes, -1 sizes for null, deltas to the batch."""

    start: int
    body: int
    """Position after the length varint, where the attributes byte is."""
    end: int
    timestamp_delta: int
    offset_delta: int
    offset_delta_position: int
    key_position: int
    key_size: int
    value_position: int
    value_size: int
    headers_position: int
    """Of the header count."""


def payload(batch: bytes | memoryview, header: BatchHeader, limit: int = DECOMPRESSED_LIMIT) -> bytes:
    """The records of a whole batch as plain bytes. Raises CompressionError, among others beyond `limit` bytes."""
    view = memoryview(batch)[HEADER_SIZE : header.size]
    codec = header.codec
    return bytes(view) if codec == Codec.NONE else decompress(codec, view, limit)


def records(
    batch: bytes | memoryview, header: BatchHeader | None = None, *, limit: int = DECOMPRESSED_LIMIT
) -> Iterator[Record]:
    """The records of one whole batch, parsed as they are asked for.

    Raises KafkaError (INVALID_RECORD) for contents that are not what the header says. The CRC is not checked here.
    """
    if header is None:
        header = read_header(batch)
    if header.count == 0:
        return
    data = payload(batch, header, limit)
    base_offset = header.base_offset
    base_timestamp = header.base_timestamp
    append_time = header.max_timestamp if header.timestamp_type == TimestampType.LOG_APPEND_TIME else None
    for span in walk(data, header.count):
        key_at, key_size = span.key_position, span.key_size
        value_at, value_size = span.value_position, span.value_size
        yield Record(
            base_offset + span.offset_delta,
            base_timestamp + span.timestamp_delta if append_time is None else append_time,
            data[key_at : key_at + key_size] if key_size >= 0 else None,
            data[value_at : value_at + value_size] if value_size >= 0 else None,
            () if data[span.headers_position] == 0 else tuple(read_headers(data, span.headers_position)),
        )


def walk(data: bytes, count: int) -> Iterator[Span]:
    """Positions of the `count` records in a payload; every length is checked against the end of its record.

    Raises KafkaError (INVALID_RECORD) for a record that is not whole, and for more or fewer records than `count`.
    """
    size = len(data)
    position = 0
    for _ in range(count):
        if position >= size:
            raise invalid("Incorrect declared batch size, premature EOF reached")
        start = position
        length = data[position]
        if length < 0x80:
            length = length >> 1 ^ -(length & 1)
            position += 1
        else:
            length, position = decode_varint(data, position)
        end = position + length
        if length < 6 or end > size:
            raise invalid(f"Invalid record size: {length} bytes with {size - position} bytes remaining")
        span = _record(data, start, position, end)
        yield span
        position = end
    if position != size:
        raise invalid("Incorrect declared batch size, records still remaining in file")


def _record(data: bytes, start: int, body: int, end: int) -> Span:
    """The record whose attributes lie at `body`. At least six bytes are there, so the first reads need no check."""
    position = body + 1
    timestamp_delta = data[position]
    if timestamp_delta < 0x80:
        timestamp_delta = timestamp_delta >> 1 ^ -(timestamp_delta & 1)
        position += 1
    else:
        timestamp_delta, position = decode_varint(data, position, MAX_BYTES_64)
    offset_delta_position = position
    offset_delta, position = decode_varint(data, position)
    key_size, position = decode_varint(data, position)
    key_position = position
    if key_size > 0:
        position += key_size
    if position >= end:
        raise invalid("Found invalid record structure")
    value_size, position = decode_varint(data, position)
    value_position = position
    if value_size > 0:
        position += value_size
    if position >= end:
        raise invalid("Found invalid record structure")
    if data[position] != 0:
        _check_headers(data, position, end)
    elif position + 1 != end:
        raise invalid(f"Invalid record size: expected {end - body} bytes, but read {position + 1 - body}")
    return Span(
        start,
        body,
        end,
        timestamp_delta,
        offset_delta,
        offset_delta_position,
        key_position,
        key_size if key_size >= 0 else -1,
        value_position,
        value_size if value_size >= 0 else -1,
        position,
    )


def _check_headers(data: bytes, position: int, end: int) -> None:
    """Walks the headers from their count to the end of the record."""
    count, position = decode_varint(data, position)
    if not 0 <= count <= end - position:
        raise invalid(f"Found invalid number of record headers {count}")
    for _ in range(count):
        key_size, position = decode_varint(data, position)
        if key_size < 0:
            raise invalid(f"Invalid negative header key size {key_size}")
        position += key_size
        if position >= end:
            raise invalid("Found invalid record structure")
        value_size, position = decode_varint(data, position)
        if value_size > 0:
            position += value_size
        if position > end:
            raise invalid("Found invalid record structure")
    if position != end:
        raise invalid("Invalid record size: the headers end before the record does")


def read_headers(data: bytes, position: int) -> list[Header]:
    """The headers whose count lies at `position` of a payload that `walk` has passed.

    A key that is not UTF-8 keeps its undecodable bytes as surrogates, so that it survives being written again.
    """
    count, position = decode_varint(data, position)
    found: list[Header] = []
    for _ in range(count):
        key_size, position = decode_varint(data, position)
        key = data[position : position + key_size].decode("utf-8", "surrogateescape")
        position += key_size
        value_size, position = decode_varint(data, position)
        if value_size < 0:
            found.append((key, None))
        else:
            found.append((key, data[position : position + value_size]))
            position += value_size
    return found
