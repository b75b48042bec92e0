"""Records: what is inside a batch.

    length varint, attributes i8, timestamp delta varlong, offset delta varint,
    key length varint, key, value length varint, value,
    header count varint, then for each: key length varint, key, value length varint, value

Lengths of -1 stand for null. Records are read from the batch's decompressed payload in one walk over bytes and
positions: `records` makes `Record`s, `walk` gives positions only, for those who copy or skip whole records
(validation, compaction). Both end with every byte of the payload accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ottla.core.records.batch import HEADER_SIZE, BatchHeader, TimestampType, read_header
from ottla.core.records.compression import DECOMPRESSED_LIMIT, Codec, decompress
from ottla.core.records.errors import invalid
from ottla.core.records.varint import MAX_BYTES_64, decode_varint

Header: TypeAlias = "tuple[str, bytes | None]"


class Record:
    """One record. `timestamp` is milliseconds since 1970 (-1: none), `headers` are in their order and may repeat."""

    __slots__ = ("headers", "key", "offset", "timestamp", "value")

    def __init__(
        self,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Record)
            and self.offset == other.offset
            and self.timestamp == other.timestamp
            and self.key == other.key
            and self.value == other.value
            and self.headers == other.headers
        )

    def __repr__(self) -> str:
        return f"Record({self.offset}, {self.timestamp}, {self.key!r}, {self.value!r}, {self.headers})"


class Span:
    """Where one record lies in a payload: positions and sizes in bytes, -1 for the size of a null, deltas to the batch."""

    __slots__ = (
        "end",
        "key_position",
        "key_size",
        "offset_delta",
        "rest",
        "start",
        "timestamp_delta",
        "value_size",
    )

    def __init__(
        self,
        start: int,
        end: int,
        timestamp_delta: int,
        offset_delta: int,
        rest: int,
        key_position: int,
        key_size: int,
        value_size: int,
    ) -> None:
        self.start = start
        self.end = end
        self.timestamp_delta = timestamp_delta
        self.offset_delta = offset_delta
        self.rest = rest
        """Where the key's length stands: from here to `end` nothing depends on the batch around the record."""
        self.key_position = key_position
        self.key_size = key_size
        self.value_size = value_size


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
    yield from parse(payload(batch, header, limit), header, header.count)


def parse(data: bytes, header: BatchHeader, count: int) -> Iterator[Record]:
    """The `count` records of a batch that these bytes are. The loop of every consumer: one-byte numbers, which nearly all
    are, are read in place."""
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    append_time = header.max_timestamp if header.timestamp_type == TimestampType.LOG_APPEND_TIME else None
    position = 0
    for _ in range(count):
        try:
            length = data[position]
            if length < 0x80:
                end = position + 1 + (length >> 1 ^ -(length & 1))
                position += 2
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
            size, position = decode_varint(data, position)
            value = None
            if size >= 0:
                value = data[position : position + size]
                position += size
            if data[position] == 0:
                found: tuple[Header, ...] = ()
                position += 1
            else:
                found, position = read_headers(data, position)
        except IndexError:
            raise invalid("Incorrect declared batch size, premature EOF reached") from None
        if position != end or end > len(data):
            raise invalid(
                f"Invalid record size: the record should end at {end}, its fields end at {position}"
            )
        if append_time is None:
            timestamp += base_timestamp
        else:
            timestamp = append_time
        yield Record(base_offset + offset, timestamp, key, value, found)
    if position != len(data):
        raise invalid("Incorrect declared batch size, records still remaining in file")


def walk(data: bytes, count: int) -> Iterator[Span]:
    """Where the `count` records of a payload lie. Nothing is copied.

    Raises KafkaError (INVALID_RECORD) for a record that is not whole, and for more or fewer records than `count`.
    """
    position = 0
    for _ in range(count):
        start = position
        try:
            length, position = decode_varint(data, position)
            end = position + length
            timestamp_delta, position = decode_varint(data, position + 1, MAX_BYTES_64)
            offset_delta, rest = decode_varint(data, position)
            key_size, key_position = decode_varint(data, rest)
            position = key_position + key_size if key_size > 0 else key_position
            value_size, position = decode_varint(data, position)
            if value_size > 0:
                position += value_size
            if data[position] == 0:
                position += 1
            else:
                position = _skip_headers(data, position)
        except IndexError:
            raise invalid("Incorrect declared batch size, premature EOF reached") from None
        if position != end or end > len(data):
            raise invalid(
                f"Invalid record size: the record should end at {end}, its fields end at {position}"
            )
        yield Span(start, end, timestamp_delta, offset_delta, rest, key_position, key_size, value_size)
    if position != len(data):
        raise invalid("Incorrect declared batch size, records still remaining in file")


def _skip_headers(data: bytes, position: int) -> int:
    """The position after the headers whose count lies at `position`. Every step goes forward, so it ends."""
    count, position = decode_varint(data, position)
    if not 0 <= count <= len(data) - position:
        raise invalid(f"Found invalid number of record headers {count}")
    for _ in range(count):
        size, position = decode_varint(data, position)
        if size < 0:
            raise invalid(f"Invalid negative header key size {size}")
        size, position = decode_varint(data, position + size)
        if size > 0:
            position += size
    return position


def read_headers(data: bytes, position: int) -> tuple[tuple[Header, ...], int]:
    """(headers, position after them), their count lying at `position`.

    A key that is not UTF-8 keeps its undecodable bytes as surrogates, so that it survives being written again.
    """
    end = _skip_headers(data, position)
    count, position = decode_varint(data, position)
    found: list[Header] = []
    for _ in range(count):
        size, position = decode_varint(data, position)
        key = data[position : position + size].decode("utf-8", "surrogateescape")
        size, position = decode_varint(data, position + size)
        if size < 0:
            found.append((key, None))
        else:
            found.append((key, data[position : position + size]))
            position += size
    return tuple(found), end
