"""The records Apache Kafka itself writes: read by our declarations and written again, they are the same bytes.

A node of Apache Kafka is kept busy for a moment (topics, configs, offsets of both group protocols, a transaction,
SCRAM, quotas); then every record of its metadata log and its internal topics is taken through the codec.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ottla.core.wire.codec import decode, encode
from ottla.core.wire.coordinator_records import (
    CONSUMER_OFFSETS,
    TRANSACTION_STATE,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.records.control import (
    EndTxnMarker,
    LeaderChangeMessage,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
)
from ottla.core.wire.metadata_frame import decode_metadata_record, encode_metadata_record
from ottla.core.wire.primitives import read_varint
from tests.apache_kafka import start_kafka, tool

pytestmark = pytest.mark.judge

BATCH_OVERHEAD = 61
CONTROL = 1 << 5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log directory of a node that has been worked with and stopped."""
    confluent = pytest.importorskip(
        "confluent_kafka", reason="needs confluent-kafka: pip install -e .[check]"
    )
    node = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        work(confluent, node.bootstrap)
        configs = ["--bootstrap-server", node.bootstrap, "--alter"]
        scram = ["--add-config", "SCRAM-SHA-256=[iterations=4096,password=x]", "--entity-type", "users"]
        tool("kafka.admin.ConfigCommand", [*configs, *scram, "--entity-name", "alice"])
    finally:
        node.stop()
    return node.data


def work(confluent: Any, bootstrap: str) -> None:
    from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic("orders", 2, 1, config={"retention.ms": "1000000"}), NewTopic("gone", 1, 1)]
    for done in admin.create_topics(topics).values():
        done.result(30)
    for done in admin.create_partitions([NewPartitions("orders", 3)]).values():
        done.result(30)
    for done in admin.delete_topics(["gone"]).values():
        done.result(30)
    producer = confluent.Producer({"bootstrap.servers": bootstrap, "transactional.id": "shop"})
    producer.init_transactions(30)
    for finish in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce("orders", b"value", b"key")
        producer.flush(30)
        finish(30)
    for protocol in ("classic", "consumer"):
        config = {"bootstrap.servers": bootstrap, "group.id": protocol, "group.protocol": protocol}
        consumer = confluent.Consumer(
            {**config, "auto.offset.reset": "earliest", "enable.auto.commit": False}
        )
        consumer.subscribe(["orders"])
        message = consumer.poll(30)
        assert message is not None
        consumer.commit(message, asynchronous=False)
        consumer.close()


def test_the_metadata_log_comes_back_byte_for_byte(data: Path) -> None:
    seen: Counter[str] = Counter()
    for file in sorted(data.glob("__cluster_metadata-0/*.log")) + sorted(
        data.glob("__cluster_metadata-0/*.checkpoint")
    ):
        for _, value in records(file):
            assert value is not None
            record, version = decode_metadata_record(value), read_varint(value, 2)[0]
            assert isinstance(record, Body), record
            assert encode_metadata_record(record, version) == value
            seen[type(record).__name__] += 1
    expected = "FeatureLevel RegisterBroker RegisterController Topic RemoveTopic Partition Config ProducerIds UserScramCredential"
    assert {f"{name}Record" for name in expected.split()} <= set(seen)


def test_the_topics_of_the_coordinators_come_back_byte_for_byte(data: Path) -> None:
    seen: Counter[str] = Counter()
    for topic, types in (
        ("__consumer_offsets", CONSUMER_OFFSETS),
        ("__transaction_state", TRANSACTION_STATE),
    ):
        for file in sorted(data.glob(f"{topic}-*/*.log")):
            for key, value in records(file):
                assert key is not None
                known = decode_key(key, types)
                assert isinstance(known, Body), known
                assert encode_key(known) == key
                if value is not None:
                    decoded, version = decode_value(value, known, types), struct.unpack_from(">h", value)[0]
                    assert encode_value(decoded, version) == value
                    seen[type(decoded).__name__] += 1
    expected = (
        "OffsetCommit GroupMetadata ConsumerGroupMetadata ConsumerGroupMemberMetadata "
        "ConsumerGroupTargetAssignmentMetadata ConsumerGroupTargetAssignmentMember "
        "ConsumerGroupCurrentMemberAssignment TransactionLog"
    )
    assert {f"{name}Value" for name in expected.split()} <= set(seen)


def test_control_records_come_back_byte_for_byte(data: Path) -> None:
    schemas = {2: LeaderChangeMessage, 3: SnapshotHeaderRecord, 4: SnapshotFooterRecord}
    seen: Counter[str] = Counter()
    for file in [
        *data.glob("__cluster_metadata-0/*.log"),
        *data.glob("**/*.checkpoint"),
        *data.glob("orders-*/*.log"),
    ]:
        for key, value in records(file, control=True):
            assert key is not None
            assert value is not None
            (version, kind), (value_version,) = struct.unpack(">hh", key), struct.unpack_from(">h", value)
            assert version == 0
            if (
                kind < 2
            ):  # abort or commit: the version stands before the marker; in the others it is their first field
                marker = decode(EndTxnMarker, value, value_version, 2)
                assert value[:2] + encode(marker, value_version) == value
                seen["abort" if kind == 0 else "commit"] += 1
            else:
                record = decode(schemas[kind], value, value_version)
                assert encode(record, value_version) == value
                seen[type(record).__name__] += 1
    assert set(seen) == {"abort", "commit", *(schema.__name__ for schema in schemas.values())}


def records(file: Path, *, control: bool = False) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Keys and values of the plain, uncompressed batches in a segment or snapshot, control batches or the others."""
    log, at = file.read_bytes(), 0
    while at + BATCH_OVERHEAD <= len(log):
        (length,) = struct.unpack_from(">i", log, at + 8)
        if length == 0:  # the rest was preallocated
            return
        attributes, count = (
            struct.unpack_from(">h", log, at + 21)[0],
            struct.unpack_from(">i", log, at + 57)[0],
        )
        assert attributes & 7 == 0, "the batch is compressed"
        if bool(attributes & CONTROL) == control:
            position = at + BATCH_OVERHEAD
            for _ in range(count):
                size, position = signed_varint(log, position)
                yield key_and_value(log[position : position + size])
                position += size
        at += 12 + length


def key_and_value(record: bytes) -> tuple[bytes | None, bytes | None]:
    at = 1
    for _ in range(2):  # the deltas of timestamp and offset
        while record[at] > 127:
            at += 1
        at += 1
    halves: list[bytes | None] = []
    for _ in range(2):
        size, at = signed_varint(record, at)
        halves.append(None if size < 0 else record[at : at + size])
        at += max(size, 0)
    return halves[0], halves[1]


def signed_varint(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_varint(data, at)
    return (value >> 1) ^ -(value & 1), at
