"""What a client may append, and what it is told when it may not."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import BatchHeader, TimestampType, check_crc, pack_header, read_header
from ottla.core.records.build import Builder, build
from ottla.core.records.compression import Codec
from ottla.core.records.crc import crc32c
from ottla.core.records.errors import InvalidRecords
from ottla.core.records.record import Record, records
from ottla.core.records.rules import Rules
from ottla.core.records.validation import Validated, check_produce, validate

NOW = 1_700_000_000_000
GOOD = [Record(i, NOW + i, b"key", b"value %d" % i) for i in range(3)]


def changed(change: Callable[[BatchHeader], None], **given: int) -> bytes:
    """A good batch with some header fields set wrong and the CRC right."""
    batch = build(GOOD, **given)  # type: ignore[arg-type]
    header = read_header(batch)
    change(header)
    return pack_header(header, batch[61:]) + batch[61:]


def set_to(field: str, value: int) -> Callable[[BatchHeader], None]:
    return lambda header: setattr(header, field, value)


def refused(data: bytes, rules: Rules | None = None) -> KafkaError:
    with pytest.raises(KafkaError) as error:
        validate(data, rules or Rules(), NOW, "orders-0")
    return error.value


def joined(validated: Validated) -> bytes:
    data = b"".join(validated.parts)
    assert read_header(data) == validated.header
    check_crc(data, validated.header)
    return data


# -- the request -------------------------------------------------------------------------------------------------


def test_produce_carries_exactly_one_batch() -> None:
    batch = build(GOOD)
    assert check_produce(batch, 9).size == len(batch)
    assert check_produce(batch + b"tail", 9).size == len(batch)
    for wrong in (None, b"", batch[:-1], batch[:40], batch + batch):
        with pytest.raises(KafkaError) as error:
            check_produce(wrong, 9)
        assert error.value.code == ErrorCode.INVALID_RECORD


def test_produce_takes_magic_2_only() -> None:
    for magic, code in (
        (0, ErrorCode.INVALID_RECORD),
        (1, ErrorCode.INVALID_RECORD),
        (9, ErrorCode.CORRUPT_MESSAGE),
    ):
        batch = bytearray(build(GOOD))
        batch[16] = magic
        with pytest.raises(KafkaError) as error:
            check_produce(bytes(batch), 9)
        assert error.value.code == code


def test_zstd_came_with_produce_7() -> None:
    batch = build(GOOD, Codec.ZSTD)
    with pytest.raises(KafkaError) as error:
        check_produce(batch, 6)
    assert error.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    check_produce(batch, 7)
    check_produce(build(GOOD, Codec.LZ4), 3)


def test_a_transaction_needs_its_id_in_the_request() -> None:
    batch = build(GOOD, producer_id=4, producer_epoch=1, base_sequence=0, transactional=True)
    with pytest.raises(KafkaError) as error:
        check_produce(batch, 9, transactional=False)
    assert error.value.code == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    check_produce(batch, 9, transactional=True)
    check_produce(build(GOOD), 9, transactional=False)


# -- the header --------------------------------------------------------------------------------------------------


def test_a_good_batch_passes_untouched() -> None:
    batch = build(GOOD, Codec.GZIP)
    validated = validate(batch, Rules(), NOW)
    assert validated.parts == [batch]
    assert validated.log_append_time == -1
    assert not validated.converted


def test_what_follows_the_batch_is_cut_off() -> None:
    batch = build(GOOD)
    assert joined(validate(batch + b"junk", Rules(), NOW)) == batch


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (set_to("base_offset", 1), ErrorCode.INVALID_RECORD),
        (set_to("last_offset_delta", -1), ErrorCode.INVALID_RECORD),
        (set_to("last_offset_delta", 3), ErrorCode.INVALID_RECORD),
        (set_to("count", 0), ErrorCode.INVALID_RECORD),
        (set_to("count", -1), ErrorCode.INVALID_RECORD),
        (set_to("count", 4), ErrorCode.INVALID_RECORD),
        (set_to("attributes", 0x20), ErrorCode.INVALID_RECORD),
        (set_to("attributes", 0x05), ErrorCode.INVALID_RECORD),
        (set_to("producer_id", 5), ErrorCode.INVALID_RECORD),
    ],
)
def test_fields_that_contradict_are_refused(change: Callable[[BatchHeader], None], code: ErrorCode) -> None:
    assert refused(changed(change)).code == code


def test_damage_is_found() -> None:
    batch = bytearray(build(GOOD))
    batch[-1] ^= 1
    assert refused(bytes(batch)).code == ErrorCode.CORRUPT_MESSAGE
    assert refused(b"").code == ErrorCode.INVALID_RECORD


def test_too_large_is_said_before_anything_is_summed() -> None:
    batch = build([Record(0, NOW, None, bytes(2000))])
    assert refused(batch, Rules(max_message_bytes=len(batch) - 1)).code == ErrorCode.MESSAGE_TOO_LARGE
    validate(batch, Rules(max_message_bytes=len(batch)), NOW)


# -- timestamps --------------------------------------------------------------------------------------------------


def test_log_append_time_replaces_the_producers() -> None:
    validated = validate(
        build(GOOD, Codec.ZSTD), Rules(timestamp_type=TimestampType.LOG_APPEND_TIME), NOW + 50
    )
    assert {record.timestamp for record in records(joined(validated))} == {NOW + 50}
    assert validated.log_append_time == NOW + 50


@pytest.mark.parametrize("deep", [False, True])
def test_timestamps_outside_the_window_are_named(deep: bool) -> None:
    batch = build([Record(0, NOW - 11, None, b""), Record(1, NOW, None, b""), Record(2, NOW + 21, None, b"")])
    error = refused(batch, Rules(before_max_ms=10, after_max_ms=20, deep=deep))
    assert isinstance(error, InvalidRecords)
    assert error.code == ErrorCode.INVALID_TIMESTAMP
    assert [(e.index, str(NOW - 11) in e.message or str(NOW + 21) in e.message) for e in error.record_errors] == [
        (0, True), (2, True),
    ]  # fmt: skip
    validate(batch, Rules(before_max_ms=11, after_max_ms=21, deep=deep), NOW)


def test_the_future_is_bounded_by_default_the_past_is_not() -> None:
    assert refused(build([Record(0, NOW + 3_600_001, None, b"")])).code == ErrorCode.INVALID_TIMESTAMP
    validate(build([Record(0, 1, None, b"")]), Rules(), NOW)
    validate(build([Record(0, -1, None, b"")]), Rules(before_max_ms=10), NOW)


def test_a_timestamp_beyond_64_bits_is_out_of_range() -> None:
    batch = changed(set_to("base_timestamp", 2**63 - 2))
    error = refused(batch, Rules(deep=True, after_max_ms=2**63 - 1))
    assert error.code == ErrorCode.INVALID_TIMESTAMP


def test_a_producer_may_not_claim_log_append_time() -> None:
    batch = build(GOOD, log_append_time=NOW)
    assert (
        refused(batch, Rules(timestamp_type=TimestampType.LOG_APPEND_TIME)).code
        == ErrorCode.INVALID_TIMESTAMP
    )


def test_deep_validation_corrects_the_largest_timestamp() -> None:
    batch = changed(set_to("max_timestamp", NOW + 900))
    assert validate(batch, Rules(), NOW).header.max_timestamp == NOW + 900
    assert joined(validate(batch, Rules(deep=True), NOW)) == build(GOOD)


# -- inside ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", Codec)
def test_compacted_topics_need_keys(codec: Codec) -> None:
    batch = build([Record(i, NOW, b"k" if i % 2 else None, b"v") for i in range(10)], codec)
    error = refused(batch, Rules(compacted=True))
    assert isinstance(error, InvalidRecords)
    assert error.code == ErrorCode.INVALID_RECORD
    assert [record_error.index for record_error in error.record_errors] == [0, 2, 4, 6, 8]
    assert "orders-0" in error.record_errors[0].message
    validate(build(GOOD, codec), Rules(compacted=True), NOW)


@pytest.mark.parametrize("codec", Codec)
def test_deep_validation_counts_records(codec: Codec) -> None:
    two = build(GOOD[:2], codec)
    header = read_header(two)
    header.count, header.last_offset_delta = 3, 2
    lying = pack_header(header, two[61:]) + two[61:]
    validate(lying, Rules(), NOW)
    assert refused(lying, Rules(deep=True)).code == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("codec", Codec)
def test_deep_validation_puts_offsets_in_order(codec: Codec) -> None:
    builder = Builder(codec)
    for delta in (5, 1, 2):
        builder.append(NOW + delta, b"k%d" % delta, None, (("h", b"x"),), delta)
    validated = validate(builder.finish(), Rules(deep=True), NOW)
    assert validated.converted
    assert [(r.offset, r.timestamp, r.key, r.headers) for r in records(joined(validated))] == [
        (index, NOW + delta, b"k%d" % delta, (("h", b"x"),)) for index, delta in enumerate((5, 1, 2))
    ]
    assert validated.header.codec == codec


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("target", Codec)
def test_the_topics_compression_wins(codec: Codec, target: Codec) -> None:
    batch = build(GOOD, codec, producer_id=4, producer_epoch=1, base_sequence=0, transactional=True)
    validated = validate(batch, Rules(codec=target), NOW)
    data = joined(validated)
    assert list(records(data)) == GOOD
    assert validated.header.codec == target
    assert validated.converted == (codec != target)
    assert (validated.header.producer_id, validated.header.is_transactional) == (4, True)


def test_a_batch_that_grew_too_large_is_refused() -> None:
    batch = build([Record(0, NOW, None, bytes(100_000))], Codec.ZSTD)
    rules = Rules(codec=Codec.NONE, max_message_bytes=50_000)
    assert refused(batch, rules).code == ErrorCode.MESSAGE_TOO_LARGE


def test_a_bomb_is_refused() -> None:
    batch = build([Record(0, NOW, b"k", bytes(3_000_000))], Codec.ZSTD)
    assert refused(batch, Rules(deep=True, decompressed_limit=1_000_000)).code == ErrorCode.INVALID_RECORD


def test_a_header_may_not_announce_more_records_than_its_bytes_can_hold() -> None:
    batch = bytearray(build([Record(0, 1, b"k", b"v")], Codec.NONE))
    struct.pack_into(">i", batch, 23, 999)
    struct.pack_into(">i", batch, 57, 1000)
    struct.pack_into(">I", batch, 17, crc32c(bytes(batch[21:])))
    with pytest.raises(KafkaError, match="premature EOF"):
        validate(bytes(batch), Rules(), 1)


def test_a_batch_of_two_billion_records_is_refused_unseen() -> None:
    batch = bytearray(build([Record(0, 1, b"k", b"v")], Codec.ZSTD))
    struct.pack_into(">i", batch, 23, 2**31 - 2)
    struct.pack_into(">i", batch, 57, 2**31 - 1)
    struct.pack_into(">I", batch, 17, crc32c(bytes(batch[21:])))
    with pytest.raises(KafkaError, match="1048576 are allowed"):
        validate(bytes(batch), Rules(), 1)


def test_ten_thousand_refused_records_are_enough() -> None:
    keyless = build([Record(number, 1, None, None) for number in range(20_000)], Codec.NONE)
    with pytest.raises(InvalidRecords) as raised:
        validate(keyless, Rules(compacted=True), 1)
    assert len(raised.value.record_errors) == 10_000
