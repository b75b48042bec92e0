"""Records: reading, building, and bytes that are not what they claim."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import HEADER_SIZE, TimestampType, read_header
from ottla.core.records.build import Builder, build, encode_body
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record, payload, records, walk
from ottla.core.records.varint import MAX_BYTES_64, decode_varint, encode_varint

SAMPLES = [
    Record(0, 1000, b"k", b"v"),
    Record(1, 900, None, b"v" * 300, (("a", b"1"), ("a", None), ("", b""))),
    Record(2, 10**13, b"", None),
    Record(3, 1001, b"k" * 70, b"", (("ü" * 40, b"x" * 200),)),
]


@pytest.mark.parametrize("codec", Codec)
def test_records_come_back(codec: Codec) -> None:
    assert list(records(build(SAMPLES, codec))) == SAMPLES


def test_offsets_are_counted_from_the_batch() -> None:
    gapped = [Record(100, 1, None, b"a"), Record(107, 2, None, b"b")]
    batch = build(gapped)
    assert list(records(batch)) == gapped
    assert (read_header(batch).base_offset, read_header(batch).last_offset) == (100, 107)


def test_offsets_must_rise() -> None:
    for wrong in (
        [Record(1, 0, None, None), Record(1, 0, None, None)],
        [Record(4, 0, None, None), Record(3, 0, None, None)],
    ):
        with pytest.raises(ValueError, match="does not follow"):
            build(wrong)


def test_log_append_time_is_every_records_time() -> None:
    batch = build(SAMPLES, log_append_time=77)
    assert {record.timestamp for record in records(batch)} == {77}
    assert read_header(batch).timestamp_type == TimestampType.LOG_APPEND_TIME


def test_an_empty_batch_has_no_records() -> None:
    assert list(records(Builder().finish())) == []


def test_a_builder_knows_its_size() -> None:
    builder = Builder()
    assert builder.size == HEADER_SIZE
    assert [builder.append(5, b"k", b"v"), builder.append(4, None, None)] == [0, 1]
    assert len(builder.finish()) == builder.size
    assert builder.max_timestamp == 5


def test_header_keys_that_are_no_text_survive() -> None:
    body = encode_body(b"\0\0", 0, None, b"", [("\udcff\udc80", b"x")])
    assert b"\xff\x80" in body
    batch = build([Record(0, 0, None, b"", (("\udcff\udc80", b"x"),))])
    assert next(records(batch)).headers == (("\udcff\udc80", b"x"),)


@pytest.mark.parametrize(
    "value", [0, -1, 1, 63, 64, -64, -65, 4095, 4096, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)]
)
def test_varints_come_back(value: int) -> None:
    data = encode_varint(value)
    assert decode_varint(data, 0, MAX_BYTES_64) == (value, len(data))


def test_varints_are_kafkas() -> None:
    assert [encode_varint(value) for value in (0, -1, 1, -2, 63, -64, 64, 8191, -8193)] == [
        b"\x00", b"\x01", b"\x02", b"\x03", b"\x7e", b"\x7f", b"\x80\x01", b"\xfe\x7f", b"\x81\x80\x01",
    ]  # fmt: skip


def test_a_varint_without_end_is_refused() -> None:
    with pytest.raises(KafkaError):
        decode_varint(b"\xff" * 20, 0)


def refused(data: bytes, count: int) -> None:
    with pytest.raises(KafkaError) as walked:
        list(walk(data, count))
    assert walked.value.code == ErrorCode.INVALID_RECORD


def test_every_byte_of_a_payload_is_accounted_for() -> None:
    batch = build(SAMPLES)
    plain = payload(batch, read_header(batch))
    assert len(list(walk(plain, 4))) == 4
    refused(plain, 3)
    refused(plain, 5)
    refused(plain + b"\0", 4)
    for cut in range(1, len(plain)):
        refused(plain[:-cut], 4)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\0\0\0\x01\x01", "no header count"),
        (b"\0\0\0\x01\x01\x01", "negative header count"),
        (b"\0\0\0\x01\x01\x7e", "more headers than bytes"),
        (b"\0\0\0\x01\x01\x02\x01\x00", "null header key"),
        (b"\0\0\0\x7e\x01\x00", "key beyond the record"),
        (b"\0\0\0\x01\x7e\x00", "value beyond the record"),
        (b"\0\0\0\x01\x01\x00\x00", "a byte too many"),
        (b"", "nothing"),
    ],
)
def test_malformed_records_are_refused(body: bytes, what: str) -> None:
    refused(encode_varint(len(body)) + body, 1)
    with pytest.raises(KafkaError):
        # The same as the contents of a batch.
        data = bytearray(build([Record(0, 0, None, None)]))[:HEADER_SIZE] + encode_varint(len(body)) + body
        data[8:12] = (len(data) - 12).to_bytes(4, "big")
        list(records(bytes(data)))


def test_spans_name_where_things_lie() -> None:
    batch = build(SAMPLES)
    plain = payload(batch, read_header(batch))
    spans = list(walk(plain, 4))
    assert [plain[s.key_position : s.key_position + s.key_size] for s in spans if s.key_size >= 0] == [
        b"k", b"", b"k" * 70,
    ]  # fmt: skip
    assert [span.value_size for span in spans] == [1, 300, -1, 0]
    assert [span.offset_delta for span in spans] == [0, 1, 2, 3]
    assert [span.timestamp_delta for span in spans] == [0, -100, 10**13 - 1000, 1]
    assert b"".join(plain[span.start : span.end] for span in spans) == plain
