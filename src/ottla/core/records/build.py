"""Building batches: `build` for a batch at once, `Builder` for one that grows record by record.

The payload is gathered in one bytearray; offsets are deltas counted from the batch's base, timestamps are deltas to
the first record's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ottla.core.records.batch import (
    CONTROL_BIT,
    DELETE_HORIZON_BIT,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    LOG_OVERHEAD,
    MAGIC,
    TRANSACTIONAL_BIT,
    BatchHeader,
    pack_header,
)
from ottla.core.records.compression import Codec, compress
from ottla.core.records.record import Header, Record
from ottla.core.records.varint import encode_varint

NO_TIMESTAMP: Final = -1
RECORD_FRAME: Final = 25
"""Bytes that a record without headers takes beside its key and value, at most."""


NULL: Final = b"\1"
"""The length of a key or value that is null."""
NO_HEADERS: Final = b"\0"


class Builder:
    """A batch in the making. `size` is what it takes uncompressed, header included, in bytes."""

    __slots__ = (
        "_base_timestamp",
        "_codec",
        "_level",
        "_payload",
        "_stamp",
        "_stamped",
        "count",
        "last_offset_delta",
        "max_timestamp",
    )

    def __init__(
        self, codec: Codec = Codec.NONE, level: int | None = None, *, base_timestamp: int | None = None
    ) -> None:
        """`base_timestamp` fixes what timestamps are counted from; None takes the first record's."""
        self._codec = codec
        self._level = level
        self._payload = bytearray()
        self._base_timestamp = base_timestamp
        self._stamp = b""
        self._stamped = NO_TIMESTAMP
        self.max_timestamp = NO_TIMESTAMP
        self.last_offset_delta = -1
        self.count = 0

    @property
    def size(self) -> int:
        return HEADER_SIZE + len(self._payload)

    def append(
        self,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
        offset_delta: int | None = None,
    ) -> int:
        """Add a record; its offset delta is returned. Without `offset_delta` it follows the record before it."""
        if offset_delta is None:
            offset_delta = self.last_offset_delta + 1
        stamp = self._stamp if timestamp == self._stamped and self.count else self._stamp_of(timestamp)
        payload = self._payload
        if headers:
            body = encode_body(stamp, offset_delta, key, value, headers)
            payload += encode_varint(len(body))
            payload += body
        else:
            payload += b"".join(bare_record(stamp, encode_varint(offset_delta), key, value))
        self.last_offset_delta = offset_delta
        self.count += 1
        return offset_delta

    def extend(
        self,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None,
        timestamps: Sequence[int] | None,
        timestamp: int,
        start: int,
        limit: int,
    ) -> int:
        """Add records from columns, from row `start` on, until the batch has reached `limit` bytes.

        Returns the row it stopped before. `timestamp` is for all of them where there is no column of timestamps. An
        empty batch takes one record whatever its size.
        """
        pieces: list[bytes] = []
        room = limit - HEADER_SIZE
        taken = len(self._payload)
        row = start
        end = len(values)
        delta = self.last_offset_delta
        while row < end:
            value = values[row]
            key = None if keys is None else keys[row]
            size = RECORD_FRAME + (0 if value is None else len(value)) + (0 if key is None else len(key))
            if taken + size > room and delta >= 0:
                break
            if timestamps is not None:
                timestamp = timestamps[row]
            stamp = self._stamp if timestamp == self._stamped and delta >= 0 else self._stamp_of(timestamp)
            delta += 1
            record = bare_record(stamp, encode_varint(delta), key, value)
            taken += (
                len(record[0])
                + len(stamp)
                + len(record[2])
                + len(record[3])
                + len(record[4])
                + len(record[5])
                + 1
            )
            pieces += record
            row += 1
        self._payload += b"".join(pieces)
        self.last_offset_delta = delta
        self.count += row - start
        return row

    def _stamp_of(self, timestamp: int) -> bytes:
        """What the next records begin with, while they have this timestamp: attributes (none), timestamp delta."""
        if self._base_timestamp is None:
            self._base_timestamp = timestamp
        self._stamped = timestamp
        self._stamp = b"\0" + encode_varint(timestamp - self._base_timestamp)
        self.max_timestamp = max(timestamp, self.max_timestamp)
        return self._stamp

    def finish(
        self,
        *,
        base_offset: int = 0,
        leader_epoch: int = -1,
        producer_id: int = -1,
        producer_epoch: int = -1,
        base_sequence: int = -1,
        transactional: bool = False,
        control: bool = False,
        log_append_time: int | None = None,
        delete_horizon: int | None = None,
        last_offset_delta: int | None = None,
    ) -> bytes:
        """The finished batch. With `log_append_time` it carries that as every record's timestamp.

        `delete_horizon` (ms) takes the place of the base timestamp and must then be what the builder was given as
        `base_timestamp`; `last_offset_delta` overrides the last record's.
        """
        records = compress(self._codec, self._payload, self._level)
        attributes = (
            self._codec
            | (TRANSACTIONAL_BIT if transactional else 0)
            | (CONTROL_BIT if control else 0)
            | (LOG_APPEND_TIME_BIT if log_append_time is not None else 0)
            | (DELETE_HORIZON_BIT if delete_horizon is not None else 0)
        )
        header = BatchHeader(
            base_offset=base_offset,
            length=HEADER_SIZE - LOG_OVERHEAD + len(records),
            leader_epoch=leader_epoch,
            magic=MAGIC,
            crc=0,
            attributes=attributes,
            last_offset_delta=self.last_offset_delta if last_offset_delta is None else last_offset_delta,
            base_timestamp=NO_TIMESTAMP if self._base_timestamp is None else self._base_timestamp,
            max_timestamp=self.max_timestamp if log_append_time is None else log_append_time,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=base_sequence,
            count=self.count,
        )
        return pack_header(header, records) + records


def bare_record(stamp: bytes, place: bytes, key: bytes | None, value: bytes | None) -> tuple[bytes, ...]:
    """The pieces of a record without headers. `stamp`: its attributes and timestamp delta, `place`: its offset delta."""
    front = NULL if key is None else encode_varint(len(key)) + key
    if value is None:
        size, value = NULL, b""
    else:
        size = encode_varint(len(value))
    length = len(stamp) + len(place) + len(front) + len(size) + len(value) + 1
    return encode_varint(length), stamp, place, front, size, value, NO_HEADERS


def encode_body(
    stamp: bytes, offset_delta: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]
) -> bytes:
    """A record without the length in front of it; `stamp` as for `bare_record`."""
    body = bytearray(stamp)
    body += encode_varint(offset_delta)
    if key is None:
        body.append(1)
    else:
        body += encode_varint(len(key))
        body += key
    if value is None:
        body.append(1)
    else:
        body += encode_varint(len(value))
        body += value
    body += encode_varint(len(headers))
    for name, content in headers:
        raw = name.encode("utf-8", "surrogateescape")
        body += encode_varint(len(raw))
        body += raw
        if content is None:
            body.append(1)
        else:
            body += encode_varint(len(content))
            body += content
    return bytes(body)


def build(
    records: Iterable[Record],
    codec: Codec = Codec.NONE,
    level: int | None = None,
    *,
    base_offset: int | None = None,
    leader_epoch: int = -1,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    control: bool = False,
    log_append_time: int | None = None,
) -> bytes:
    """One batch of `records`, from `base_offset` on (None: the first record's offset).

    Raises ValueError when the offsets do not rise from there.
    """
    builder = Builder(codec, level)
    for record in records:
        if base_offset is None:
            base_offset = record.offset
        delta = record.offset - base_offset
        if delta <= builder.last_offset_delta:
            raise ValueError(
                f"offset {record.offset} does not follow in a batch that begins at {base_offset}"
            )
        builder.append(record.timestamp, record.key, record.value, record.headers, delta)
    return builder.finish(
        base_offset=base_offset or 0,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        transactional=transactional,
        control=control,
        log_append_time=log_append_time,
    )
