"""Records of the metadata log and of the coordinators' topics, on bytes as Kafka writes them."""

from __future__ import annotations

import pytest

from ottla.core.model.ids import Uuid
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.coordinator_records import (
    CONSUMER_OFFSETS,
    SHARE_GROUP_STATE,
    TRANSACTION_STATE,
    UnknownKey,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord, NoOpRecord, TopicRecord
from ottla.core.wire.messages.records.offsets import OffsetCommitKey, OffsetCommitValue
from ottla.core.wire.metadata_frame import (
    METADATA_RECORDS,
    REMOTE_LOG_METADATA_RECORDS,
    UnknownRecord,
    decode_metadata_record,
    encode_metadata_record,
)

FEATURE = bytes.fromhex("01 0c 00 11") + b"metadata.version" + bytes.fromhex("001e 00")


def test_a_metadata_record_stands_behind_frame_version_type_and_version() -> None:
    record = FeatureLevelRecord(name="metadata.version", feature_level=30)
    assert encode_metadata_record(record, 0) == FEATURE
    assert decode_metadata_record(FEATURE) == record
    assert encode_metadata_record(NoOpRecord(), 0) == bytes.fromhex("01 14 00 00")
    topic = TopicRecord(name="t", topic_id=Uuid(bytes(range(16))))
    assert decode_metadata_record(encode_metadata_record(topic, 0)) == topic


def test_a_record_from_the_future_is_kept_as_it_came() -> None:
    for raw, expected in (
        (bytes.fromhex("01 1d 00 beef"), UnknownRecord(29, 0, bytes.fromhex("01 1d 00 beef"))),
        (bytes.fromhex("01 0c 63 beef"), UnknownRecord(12, 99, bytes.fromhex("01 0c 63 beef"))),
    ):
        record = decode_metadata_record(raw)
        assert record == expected
        assert encode_metadata_record(record, 0) == raw


@pytest.mark.parametrize(
    "damaged", [b"", b"\x01", b"\x01\x0c", FEATURE[:-1], FEATURE + b"\x00", b"\x00\x0c\x00", b"\x02\x0c\x00"]
)
def test_a_damaged_metadata_record_is_refused(damaged: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_metadata_record(damaged)


def test_the_types_are_those_of_kafka() -> None:
    assert sorted(METADATA_RECORDS) == [
        *(0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
    ]
    assert sorted(REMOTE_LOG_METADATA_RECORDS) == [0, 1, 2, 3]
    assert sorted(CONSUMER_OFFSETS) == [*range(9), *range(10, 18), *range(19, 24)]
    assert sorted(TRANSACTION_STATE) == [0]
    assert sorted(SHARE_GROUP_STATE) == [0, 1]


def test_every_key_has_a_value_of_the_same_type() -> None:
    for types in (CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE):
        for number, (key, value) in types.items():
            assert key.wire.key == value.wire.key == number
            assert key.wire.versions == (0, 0)


def test_an_offset_commit_as_it_lies_in_the_log() -> None:
    key = OffsetCommitKey(group="g", topic="t", partition=3)
    assert encode_key(key) == bytes.fromhex("0001 0001 67 0001 74 00000003")
    assert decode_key(encode_key(key), CONSUMER_OFFSETS) == key
    value = OffsetCommitValue(offset=42, leader_epoch=1, metadata="", commit_timestamp=5)
    written = encode_value(value, 3)
    assert written[:2] == b"\x00\x03"
    assert decode_value(written, key, CONSUMER_OFFSETS) == value


def test_a_key_from_the_future_is_kept_and_a_value_is_refused() -> None:
    assert decode_key(b"\x00\x63abc", CONSUMER_OFFSETS) == UnknownKey(99, b"\x00\x63abc")
    with pytest.raises(DecodeError, match="no version 99"):
        decode_value(b"\x00\x63abc", OffsetCommitKey(), CONSUMER_OFFSETS)
    with pytest.raises(DecodeError, match="too few"):
        decode_key(b"\x00", CONSUMER_OFFSETS)
