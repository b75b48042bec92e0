"""Record batches, format v2: the 61-byte header, and what a broker does with a batch without looking inside.

    position  bytes  field
           0      8  base offset
           8      4  length: bytes after this field
          12      4  partition leader epoch
          16      1  magic = 2
          17      4  CRC-32C of everything from the attributes to the end
          21      2  attributes: bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 delete horizon
          23      4  last offset delta
          27      8  base timestamp (the delete horizon, when bit 6 is set)
          35      8  max timestamp
          43      8  producer id
          51      2  producer epoch
          53      4  base sequence
          57      4  record count
          61      …  records; with a codec, one compressed blob

A batch is its bytes. Base offset and leader epoch lie outside the CRC so that a broker can stamp them into a batch
without touching the rest (`stamping`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.compression import Codec
from ottla.core.records.crc import Buffer, crc32c
from ottla.core.records.errors import corrupt, invalid

HEADER_SIZE: Final = 61
LOG_OVERHEAD: Final = 12
"""Base offset and length: what must be there to know how long a batch is."""
MAGIC: Final = 2
MAGIC_POSITION: Final = 16
CRC_POSITION: Final = 17
ATTRIBUTES_POSITION: Final = 21
MAX_SEQUENCE: Final = 2**31 - 1

_OLDEST_RECORD_SIZE: Final = 14
"""The smallest length field that any format ever allowed: crc, magic, attributes, key size, value size."""

CODEC_MASK: Final = 0x07
LOG_APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20
DELETE_HORIZON_BIT: Final = 0x40

_HEADER = struct.Struct(">qiibIhiqqqhii")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_LENGTH = struct.Struct(">i")
_CRC = struct.Struct(">I")


class TimestampType(IntEnum):
    """Who set the timestamps of a batch. The values are the attribute bit."""

    CREATE_TIME = 0
    LOG_APPEND_TIME = 1

    @classmethod
    def named(cls, name: str) -> TimestampType:
        """From the value of `message.timestamp.type`: "CreateTime" or "LogAppendTime"."""
        return cls.LOG_APPEND_TIME if name == "LogAppendTime" else cls.CREATE_TIME


class BatchHeader:
    """The 61 bytes, field by field. Timestamps are milliseconds since 1970, sizes bytes; -1 stands for "none"."""

    __slots__ = (
        "attributes",
        "base_offset",
        "base_sequence",
        "base_timestamp",
        "count",
        "crc",
        "last_offset_delta",
        "leader_epoch",
        "length",
        "magic",
        "max_timestamp",
        "producer_epoch",
        "producer_id",
    )

    def __init__(
        self,
        base_offset: int,
        length: int,
        leader_epoch: int,
        magic: int,
        crc: int,
        attributes: int,
        last_offset_delta: int,
        base_timestamp: int,
        max_timestamp: int,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        count: int,
    ) -> None:
        self.base_offset = base_offset
        self.length = length
        self.leader_epoch = leader_epoch
        self.magic = magic
        self.crc = crc
        self.attributes = attributes
        self.last_offset_delta = last_offset_delta
        self.base_timestamp = base_timestamp
        self.max_timestamp = max_timestamp
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.base_sequence = base_sequence
        self.count = count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchHeader) and header_fields(self) == header_fields(other)

    def __repr__(self) -> str:
        return f"BatchHeader{header_fields(self)}"

    @property
    def size(self) -> int:
        """The whole batch, header and all."""
        return LOG_OVERHEAD + self.length

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record the batch was written with, also after compaction; -1 without one."""
        if self.base_sequence < 0:
            return -1
        return advance_sequence(self.base_sequence, self.last_offset_delta)

    @property
    def codec(self) -> Codec:
        """Raises KafkaError (INVALID_RECORD) for the codec ids 5 to 7, which mean nothing."""
        codec = self.attributes & CODEC_MASK
        if codec > Codec.ZSTD:
            raise invalid(f"Unknown compression type id: {codec}")
        return Codec(codec)

    @property
    def timestamp_type(self) -> TimestampType:
        if self.attributes & LOG_APPEND_TIME_BIT:
            return TimestampType.LOG_APPEND_TIME
        return TimestampType.CREATE_TIME

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL_BIT != 0

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL_BIT != 0

    @property
    def has_delete_horizon(self) -> bool:
        return self.attributes & DELETE_HORIZON_BIT != 0

    @property
    def delete_horizon(self) -> int | None:
        """When tombstones and markers of this batch may go (wall clock, ms), once compaction has set it."""
        return self.base_timestamp if self.attributes & DELETE_HORIZON_BIT else None


def advance_sequence(sequence: int, by: int) -> int:
    """`sequence + by`, wrapping from 2^31-1 to 0."""
    return (sequence + by) & MAX_SEQUENCE


def read_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header at `position`, where 61 bytes must be. Nothing but its presence is checked."""
    # Named one by one: compiled, that is a call in C, and a star is not.
    (
        base_offset,
        length,
        leader_epoch,
        magic,
        crc,
        attributes,
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        count,
    ) = _HEADER.unpack_from(buffer, position)
    return BatchHeader(
        base_offset,
        length,
        leader_epoch,
        magic,
        crc,
        attributes,
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        count,
    )


def first_header(buffer: Buffer, end: int) -> BatchHeader | None:
    """The header of the batch that `buffer` opens with, None when less than the whole batch lies before `end`.

    Raises KafkaError as `batch_size` does.
    """
    if end >= HEADER_SIZE:
        header = read_header(buffer)
        if header.magic == MAGIC and HEADER_SIZE - LOG_OVERHEAD <= header.length <= end - LOG_OVERHEAD:
            return header
    batch_size(buffer, 0, end)  # says what is wrong, when it is more than bytes that are missing
    return None


def batch_size(buffer: Buffer, position: int, end: int) -> int | None:
    """Size of the batch at `position`, or None when less of it than its magic byte lies before `end`.

    Raises KafkaError: CORRUPT_MESSAGE for a length or magic that no version of the format has had,
    UNSUPPORTED_FOR_MESSAGE_FORMAT for magic 0 and 1, which nobody has written since Kafka 0.11.
    """
    if end - position < LOG_OVERHEAD:
        return None
    (length,) = _LENGTH.unpack_from(buffer, position + 8)
    if length < _OLDEST_RECORD_SIZE:
        raise corrupt(
            f"Record size {length} is less than the minimum record overhead ({_OLDEST_RECORD_SIZE})"
        )
    if end - position <= MAGIC_POSITION:
        return None
    magic = buffer[position + MAGIC_POSITION]
    if magic != MAGIC:
        if magic < MAGIC:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
                f"Record batches of magic {magic} are not supported, only magic 2",
            )
        raise corrupt(f"Invalid magic found in record: {magic}")
    size: int = LOG_OVERHEAD + length
    if size < HEADER_SIZE:
        raise corrupt(f"Record batch size {size} is less than the size of its header ({HEADER_SIZE})")
    return size


def headers(buffer: Buffer, offset: int = 0, end: int | None = None) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of each whole batch in `buffer[offset:end]`; a batch cut short by the end is not given.

    Raises KafkaError as `batch_size` does. CRCs are not checked.
    """
    if end is None:
        end = len(buffer)
    while True:
        size = batch_size(buffer, offset, end)
        if size is None or end - offset < size:
            return
        yield offset, read_header(buffer, offset)
        offset += size


def crc_matches(buffer: Buffer, header: BatchHeader, position: int = 0) -> bool:
    """Whether the whole batch at `position` has the CRC that its header names."""
    view = buffer if type(buffer) is memoryview else memoryview(buffer)
    return (
        crc32c(view[position + ATTRIBUTES_POSITION : position + LOG_OVERHEAD + header.length]) == header.crc
    )


def check_crc(buffer: Buffer, header: BatchHeader, position: int = 0) -> None:
    """Raises KafkaError (CORRUPT_MESSAGE) unless `crc_matches`."""
    if not crc_matches(buffer, header, position):
        raise corrupt(f"Record is corrupt (stored crc = {header.crc})")


def pack_header(header: BatchHeader, payload: Buffer | None = None) -> bytes:
    """The 61 bytes of `header`. With `payload` (the bytes after the header) the CRC is computed, and put into `header`."""
    if payload is not None:
        header.crc = header_crc(header, payload)
    return _HEADER.pack(*header_fields(header))


def header_fields(header: BatchHeader) -> tuple[int, ...]:
    """The fields of `header` in the order of the wire, which is also that of `BatchHeader`'s arguments."""
    return (
        header.base_offset,
        header.length,
        header.leader_epoch,
        header.magic,
        header.crc,
        header.attributes,
        header.last_offset_delta,
        header.base_timestamp,
        header.max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.count,
    )


def header_crc(header: BatchHeader, payload: Buffer) -> int:
    """The CRC of a batch of these header fields and these bytes after them."""
    fields = _AFTER_CRC.pack(
        header.attributes,
        header.last_offset_delta,
        header.base_timestamp,
        header.max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.count,
    )
    return crc32c(payload, crc32c(fields))
