"""Record batches under all sorts of contents, and bytes that were never batches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import HEADER_SIZE, check_crc, headers, pack_header, read_header
from ottla.core.records.build import build
from ottla.core.records.compression import Codec, compress, decompress
from ottla.core.records.control import control_messages, end_transaction_marker
from ottla.core.records.errors import CompressionError
from ottla.core.records.keyed import keyed, whole
from ottla.core.records.record import Record, records, walk
from ottla.core.records.rules import Rules
from ottla.core.records.validation import check_produce, validate
from ottla.core.records.varint import MAX_BYTES_64, decode_varint, encode_varint

NOW = 1_700_000_000_000

blobs = st.one_of(st.none(), st.binary(max_size=200))
header_lists = st.lists(st.tuples(st.text(max_size=10), blobs), max_size=3).map(tuple)
codecs = st.sampled_from(Codec)


@st.composite
def record_lists(draw: st.DrawFn, *, consecutive: bool = False) -> list[Record]:
    """Records with rising offsets."""
    offset = 0 if consecutive else draw(st.integers(0, 2**40))
    found = []
    for _ in range(draw(st.integers(1, 8))):
        timestamp = draw(st.integers(0, 2**50))
        found.append(Record(offset, timestamp, draw(blobs), draw(blobs), draw(header_lists)))
        offset += 1 if consecutive else draw(st.integers(1, 2**20))
    return found


@given(record_lists(), codecs, st.integers(-1, 2**31 - 1))
@settings(max_examples=150)
def test_records_come_back(given_records: list[Record], codec: Codec, epoch: int) -> None:
    batch = build(given_records, codec, leader_epoch=epoch)
    [(position, header)] = headers(batch)
    assert position == 0
    check_crc(batch, header)
    assert list(records(batch, header)) == given_records
    glimpses = list(keyed(batch, header))
    assert [(key, has_value) for key, _, has_value in glimpses] == [
        (each.key, each.value is not None) for each in given_records
    ]
    assert [whole(data, header) for _, data, _ in glimpses] == given_records
    assert header.max_timestamp == max(record.timestamp for record in given_records)
    assert pack_header(header) == batch[:HEADER_SIZE]


@given(record_lists(consecutive=True), codecs, st.one_of(st.none(), codecs))
@settings(max_examples=100)
def test_what_validation_lets_in_reads_the_same(
    given_records: list[Record], codec: Codec, target: Codec | None
) -> None:
    rules = Rules(codec=target, deep=True, after_max_ms=2**62)
    batch = build(given_records, codec)
    assert check_produce(batch, 9).size == len(batch)
    out = b"".join(validate(batch, rules, NOW).parts)
    check_crc(out, read_header(out))
    assert list(records(out)) == given_records


@given(st.integers(-(2**63), 2**63 - 1))
def test_varints_come_back(value: int) -> None:
    data = encode_varint(value)
    assert len(data) <= MAX_BYTES_64
    assert decode_varint(data, 0, MAX_BYTES_64) == (value, len(data))


@given(codecs, st.binary(max_size=5000))
@settings(max_examples=100)
def test_data_come_back_compressed(codec: Codec, data: bytes) -> None:
    assert decompress(codec, compress(codec, data), len(data)) == data


def survives(work: Callable[[], object]) -> None:
    """Whatever the bytes: an answer or a KafkaError."""
    try:
        work()
    except KafkaError:
        pass


def everything(data: bytes) -> None:
    survives(lambda: check_produce(data, 6))
    survives(lambda: list(headers(data)))
    for rules in (Rules(), Rules(deep=True, codec=Codec.ZSTD), Rules(compacted=True)):
        survives(lambda rules=rules: validate(data, rules, NOW))  # type: ignore[misc]
    if len(data) >= HEADER_SIZE:
        survives(lambda: list(records(data)))
        survives(lambda: list(keyed(data, read_header(data))))
        survives(lambda: end_transaction_marker(data))
        survives(lambda: control_messages(data))


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_noise_raises_nothing_but_kafka_errors(data: bytes) -> None:
    everything(data)
    survives(lambda: list(walk(data, len(data))))


@given(record_lists(consecutive=True), codecs, st.data())
@settings(max_examples=200)
def test_damage_raises_nothing_but_kafka_errors(
    given_records: list[Record], codec: Codec, data: st.DataObject
) -> None:
    batch = bytearray(build(given_records, codec))
    for _ in range(data.draw(st.integers(1, 4))):
        batch[data.draw(st.integers(8, len(batch) - 1))] = data.draw(st.integers(0, 255))
    everything(bytes(batch))
    # The same with a CRC that matches, as somebody who means it would send it.
    header = read_header(batch)
    everything(pack_header(header, batch[HEADER_SIZE:]) + bytes(batch[HEADER_SIZE:]))


@given(codecs, st.binary(max_size=400))
@settings(max_examples=200)
def test_noise_decompresses_to_an_error(codec: Codec, data: bytes) -> None:
    try:
        assert len(decompress(codec, data, 10_000)) <= 10_000
    except CompressionError:
        pass


# -- other people's records --------------------------------------------------------------------------------------


@given(record_lists(consecutive=True), codecs)
@settings(max_examples=60)
def test_kafka_python_reads_ours_and_we_read_its(given_records: list[Record], codec: Codec) -> None:
    theirs = pytest.importorskip("kafka.record.default_records", reason="needs kafka-python")
    read = theirs.DefaultRecordBatch(build(given_records, codec))
    assert read.validate_crc()
    assert [as_record(record) for record in read] == given_records
    builder = theirs.DefaultRecordBatchBuilder(2, int(codec), False, -1, -1, -1, 1 << 20)
    for record in given_records:
        builder.append(record.offset, record.timestamp, record.key, record.value, list(record.headers))
    assert list(records(bytes(builder.build()))) == given_records


@given(record_lists(consecutive=True), codecs)
@settings(max_examples=60)
def test_aiokafka_reads_ours_and_we_read_its(given_records: list[Record], codec: Codec) -> None:
    theirs = pytest.importorskip("aiokafka.record.default_records", reason="needs aiokafka")
    read = theirs.DefaultRecordBatch(bytearray(build(given_records, codec)))
    assert read.validate_crc()
    assert [as_record(record) for record in read] == given_records
    builder = theirs.DefaultRecordBatchBuilder(2, int(codec), False, -1, -1, -1, 1 << 20)
    for record in given_records:
        builder.append(record.offset, record.timestamp, record.key, record.value, list(record.headers))
    batch = bytes(builder.build())
    assert list(records(batch)) == given_records
    check_crc(batch, read_header(batch))


def as_record(theirs: object) -> Record:
    return Record(
        theirs.offset,  # type: ignore[attr-defined]
        theirs.timestamp,  # type: ignore[attr-defined]
        theirs.key,  # type: ignore[attr-defined]
        theirs.value,  # type: ignore[attr-defined]
        tuple(theirs.headers),  # type: ignore[attr-defined]
    )
