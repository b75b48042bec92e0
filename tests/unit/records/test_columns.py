"""Columns say what records say."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import BatchHeader, read_header
from ottla.core.records.build import build
from ottla.core.records.columns import Columns, append_columns
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record, records

RECORDS = [
    Record(100, 1_700_000_000_000, None, b"first"),
    Record(101, 1_700_000_000_001, b"k" * 200, None, (("h", b"1"), ("h", None))),
    Record(105, 1_699_999_999_999, b"", b"v" * 70_000),
]


def columns(data: bytes, first_offset: int = 0) -> Columns:
    found = Columns()
    append_columns(found, data, read_header(data), first_offset)
    return found


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.GZIP, Codec.LZ4])
def test_a_batch_as_columns(codec: Codec) -> None:
    data = build(RECORDS, codec=codec)
    found = columns(data)
    rows = zip(found.offsets, found.timestamps, found.keys, found.values, found.headers, strict=True)
    assert [Record(*row) for row in rows] == list(records(data)) == RECORDS


def test_what_lies_before_the_first_offset_is_left_out() -> None:
    found = columns(build(RECORDS), 101)
    assert (found.offsets, len(found)) == ([101, 105], 2)


def test_batches_follow_one_another() -> None:
    found = columns(build(RECORDS[:1]))
    data = build(RECORDS[1:])
    append_columns(found, data, read_header(data))
    assert found.offsets == [100, 101, 105]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_payload_that_is_not_what_its_header_says_is_refused(cut: int) -> None:
    data = build(RECORDS[:1])
    header = read_header(data)
    with pytest.raises(KafkaError, match="INVALID_RECORD"):
        append_columns(Columns(), data[:-cut], header)
    with pytest.raises(KafkaError, match="INVALID_RECORD"):
        append_columns(Columns(), data + b"\0" * cut, longer(data, cut))


def longer(data: bytes, by: int) -> BatchHeader:
    header = read_header(data)
    header.length += by
    return header
