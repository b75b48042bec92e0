"""Batch headers: reading, iterating, stamping, rewriting, CRC."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import (
    HEADER_SIZE,
    BatchHeader,
    TimestampType,
    advance_sequence,
    batch_size,
    check_crc,
    crc_matches,
    headers,
    pack_header,
    read_header,
)
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.crc import crc32c
from ottla.core.records.record import Record, records
from ottla.core.records.stamping import rewrite, stamp


def one(value: bytes = b"hello", **given: int) -> bytes:
    return build([Record(given.get("base_offset", 0), 1000, b"key", value)], **given)  # type: ignore[arg-type]


def test_crc_is_castagnoli_and_continues() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(memoryview(b"6789"), crc32c(b"12345")) == 0xE3069283
    assert crc32c(b"") == 0


def test_a_header_reads_what_was_written() -> None:
    batch = one(producer_id=7, producer_epoch=2, base_sequence=5, leader_epoch=3, base_offset=40)
    header = read_header(batch)
    assert (header.base_offset, header.last_offset, header.next_offset) == (40, 40, 41)
    assert (header.producer_id, header.producer_epoch, header.base_sequence, header.last_sequence) == (
        7,
        2,
        5,
        5,
    )
    assert (header.leader_epoch, header.magic, header.count) == (3, 2, 1)
    assert header.size == len(batch)
    assert header.codec == Codec.NONE
    assert header.timestamp_type == TimestampType.CREATE_TIME
    assert not header.is_control and not header.is_transactional and not header.has_delete_horizon
    assert header.delete_horizon is None
    assert pack_header(header) == batch[:HEADER_SIZE]


def test_sequences_wrap_to_zero() -> None:
    assert advance_sequence(2**31 - 1, 1) == 0
    assert advance_sequence(2**31 - 3, 5) == 2
    batch = build(
        [Record(i, 0, None, b"") for i in range(4)], producer_id=1, producer_epoch=0, base_sequence=2**31 - 2
    )
    assert read_header(batch).last_sequence == 1


def test_headers_walks_whole_batches_and_leaves_a_torn_one() -> None:
    first, second = one(b"a", base_offset=5), one(b"bb", base_offset=6)
    data = first + second
    assert [(at, header.base_offset) for at, header in headers(data)] == [(0, 5), (len(first), 6)]
    for cut in range(1, len(second)):
        assert [at for at, _ in headers(data[:-cut])] == [0]
    assert [at for at, _ in headers(data, end=len(first))] == [0]
    assert [at for at, _ in headers(memoryview(data), len(first))] == [len(first)]


def test_what_cannot_be_a_batch_is_refused_by_its_first_bytes() -> None:
    batch = bytearray(one())
    for magic, code in (
        (0, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (1, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (3, ErrorCode.CORRUPT_MESSAGE),
        (255, ErrorCode.CORRUPT_MESSAGE),
    ):
        batch[16] = magic
        with pytest.raises(KafkaError) as refused:
            list(headers(batch))
        assert refused.value.code == code
    for length in (-1, 0, 13, HEADER_SIZE - 13):
        torn = bytearray(one())
        torn[8:12] = length.to_bytes(4, "big", signed=True)
        with pytest.raises(KafkaError) as refused:
            batch_size(torn, 0, len(torn))
        assert refused.value.code == ErrorCode.CORRUPT_MESSAGE
    assert batch_size(one(), 0, 11) is None


def test_the_crc_covers_everything_behind_it() -> None:
    batch = one()
    header = read_header(batch)
    check_crc(batch, header)
    check_crc(b"xx" + batch, header, 2)
    for at in range(21, len(batch)):
        damaged = bytearray(batch)
        damaged[at] ^= 1
        assert not crc_matches(damaged, read_header(damaged))
    with pytest.raises(KafkaError) as refused:
        check_crc(damaged, header)
    assert refused.value.code == ErrorCode.CORRUPT_MESSAGE


def test_stamping_touches_neither_records_nor_crc() -> None:
    batch = one()
    header = read_header(batch)
    parts = stamp(batch, header, 123, 9)
    stamped = b"".join(parts)
    assert (header.base_offset, header.leader_epoch) == (123, 9)
    assert read_header(stamped) == header
    check_crc(stamped, header)
    assert len(parts[0]) == 16 and isinstance(parts[1], memoryview)


def test_rewriting_timestamps_computes_the_crc_anew() -> None:
    batch = one()
    header = read_header(batch)
    written = b"".join(
        rewrite(batch, header, timestamp_type=TimestampType.LOG_APPEND_TIME, max_timestamp=5555)
    )
    check_crc(written, read_header(written))
    assert read_header(written) == header
    assert header.timestamp_type == TimestampType.LOG_APPEND_TIME
    assert [record.timestamp for record in records(written)] == [5555]
    again = b"".join(rewrite(written, header, timestamp_type=TimestampType.CREATE_TIME, max_timestamp=1000))
    assert again == batch


def test_rewriting_nothing_keeps_the_bytes() -> None:
    batch = one()
    assert b"".join(rewrite(batch, read_header(batch))) == batch


def test_unknown_codecs_are_named() -> None:
    header = BatchHeader(0, 49, 0, 2, 0, 5, 0, 0, 0, -1, -1, -1, 1)
    with pytest.raises(KafkaError, match="compression type id: 5"):
        _ = header.codec
