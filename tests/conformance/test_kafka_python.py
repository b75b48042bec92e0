"""kafka-python: a client that shares no code with librdkafka or the JVM; without a group, and its admin."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.samples import COMPRESSIONS, LARGE, SECONDS, Sample
from tests.samples import SAMPLES as EVERY_SAMPLE

kafka = pytest.importorskip("kafka")

CLIENT = "kafka-python"

SAMPLES = [
    each
    for each in EVERY_SAMPLE
    if (each.key is not None or each.value is not None)
    and all(value is not None for _, value in each.headers)
]
"""This client refuses a record with neither key nor value, and a header without one."""


def consumer(broker: Broker, topic: str, **settings: Any) -> Any:
    client = kafka.KafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        consumer_timeout_ms=SECONDS * 1000,
        **settings,
    )
    client.assign([kafka.TopicPartition(topic, 0)])
    return client


def send(broker: Broker, topic: str, samples: list[Sample], **settings: Any) -> list[int]:
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=broker.bootstrap, **settings)) as client:
        sent = [
            client.send(
                topic, each.value, each.key, list(each.headers), partition=0, timestamp_ms=each.timestamp
            )
            for each in samples
        ]
        client.flush(SECONDS)
        return [each.get(SECONDS).offset for each in sent]


def sample(record: Any) -> Sample:
    return Sample(record.key, record.value, tuple(record.headers), record.timestamp)


@covers(CLIENT, *COMPRESSIONS, "headers", "nulls", "create-time")
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_every_kind_of_record_comes_back_as_sent(broker: Broker, topic: str, codec: str) -> None:
    compression = None if codec == "none" else codec
    assert send(broker, topic, SAMPLES, compression_type=compression) == list(range(len(SAMPLES)))
    reader = consumer(broker, topic)
    assert [sample(next(reader)) for _ in SAMPLES] == SAMPLES
    reader.close()


@covers(CLIENT, "megabyte")
def test_a_record_of_a_megabyte(broker: Broker, topic: str) -> None:
    send(broker, topic, [LARGE], max_request_size=1_100_000)
    reader = consumer(broker, topic)
    assert sample(next(reader)) == LARGE
    reader.close()


@covers(CLIENT, "seek-offset", "list-offsets")
def test_offsets_seeks_and_positions(broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES)
    partition = kafka.TopicPartition(topic, 0)
    reader = consumer(broker, topic)
    assert reader.beginning_offsets([partition]) == {partition: 0}
    assert reader.end_offsets([partition]) == {partition: len(SAMPLES)}
    assert reader.offsets_for_times({partition: SAMPLES[8].timestamp})[partition].offset == 8
    assert reader.offsets_for_times({partition: SAMPLES[-1].timestamp + 1})[partition] is None
    for offset in (150, 3):
        reader.seek(partition, offset)
        assert next(reader).offset == offset
        assert reader.position(partition) == offset + 1
    reader.close()


@covers(CLIENT, "too-large")
def test_a_record_too_large(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "1000"})
    with pytest.raises(kafka.errors.KafkaError) as caught:
        send(broker, topic, [Sample(None, bytes(5000))])
    assert isinstance(caught.value, kafka.errors.MessageSizeTooLargeError)


@pytest.fixture
def admin(broker: Broker) -> Any:
    client = kafka.KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield client
    client.close()


@covers(CLIENT, "create-topic", "describe-topic", "add-partitions", "delete-topic")
def test_admin_makes_describes_and_removes_topics(admin: Any, broker: Broker) -> None:
    name = broker.name()
    admin.create_topics([kafka.admin.NewTopic(name, 3, 1, topic_configs={"retention.ms": "1234567"})])
    assert name in admin.list_topics()
    [described] = admin.describe_topics([name])
    assert (described["name"], len(described["partitions"])) == (name, 3)
    admin.create_partitions({name: kafka.admin.NewPartitions(4)})
    [described] = admin.describe_topics([name])
    assert len(described["partitions"]) == 4
    admin.delete_topics([name])
    assert name not in admin.list_topics()


@covers(CLIENT, "topic-exists")
def test_admin_refuses_what_is_taken(admin: Any, broker: Broker) -> None:
    with pytest.raises(kafka.errors.TopicAlreadyExistsError):
        admin.create_topics([kafka.admin.NewTopic(broker.topic(), 1, 1)])


@covers(CLIENT, "delete-records")
def test_admin_deletes_records(admin: Any, broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES[:20])
    partition = kafka.TopicPartition(topic, 0)
    admin.delete_records({partition: 5})
    reader = consumer(broker, topic)
    assert reader.beginning_offsets([partition]) == {partition: 5}
    assert next(reader).offset == 5
    reader.close()


@covers(CLIENT, "describe-cluster", "log-dirs")
def test_admin_describes_the_cluster_and_its_log_dirs(admin: Any, broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES)
    cluster = admin.describe_cluster()
    assert [each["broker_id"] for each in cluster["brokers"]] == [1]
    assert topic in str(admin.describe_log_dirs())


@covers(CLIENT, "append-time")
def test_log_append_time_is_the_brokers(broker: Broker) -> None:
    topic = broker.topic(configs={"message.timestamp.type": "LogAppendTime"})
    send(broker, topic, SAMPLES, compression_type="gzip")
    reader = consumer(broker, topic)
    got = [next(reader) for _ in SAMPLES]
    assert {each.timestamp_type for each in got} == {1}
    assert min(each.timestamp for each in got) > SAMPLES[-1].timestamp
    reader.close()


@covers(CLIENT, "seek-beginning", "seek-end", "seek-time")
def test_seeks_to_both_ends_and_to_a_time(broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES, compression_type="zstd")
    partition = kafka.TopicPartition(topic, 0)
    reader = consumer(broker, topic)
    for wanted in (6, 8, 150):
        found = reader.offsets_for_times({partition: SAMPLES[wanted].timestamp})[partition]
        reader.seek(partition, found.offset)
        assert sample(next(reader)) == SAMPLES[wanted]
    reader.seek_to_beginning(partition)
    assert next(reader).offset == 0
    reader.seek_to_end(partition)
    assert reader.position(partition) == len(SAMPLES)
    send(broker, topic, SAMPLES[:1])
    assert next(reader).offset == len(SAMPLES)
    reader.close()


@covers(CLIENT, "acks-0", "acks-1", "acks-all", "idempotent")
@pytest.mark.parametrize(
    "settings",
    [{"acks": 0}, {"acks": 1}, {"acks": "all"}, {"enable_idempotence": True}],
    ids=["0", "1", "all", "idempotent"],
)
def test_every_kind_of_acknowledgement(broker: Broker, topic: str, settings: dict[str, Any]) -> None:
    send(broker, topic, SAMPLES, **{"enable_idempotence": False, "batch_size": 500, **settings})
    reader = consumer(broker, topic)
    assert [sample(next(reader)) for _ in SAMPLES] == SAMPLES
    reader.close()


@covers(CLIENT, "concurrent")
def test_producers_at_once_lose_nothing_and_keep_their_order(broker: Broker, topic: str) -> None:
    def write(which: int) -> None:
        send(broker, topic, [Sample(b"%d" % which, b"%d" % number) for number in range(300)], batch_size=500)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    reader = consumer(broker, topic)
    seen: dict[bytes, list[int]] = {b"%d" % which: [] for which in range(3)}
    for _ in range(900):
        record = next(reader)
        seen[record.key].append(int(record.value))
    assert list(seen.values()) == [list(range(300))] * 3
    reader.close()


@covers(CLIENT, "many-partitions")
def test_many_partitions_at_once(broker: Broker) -> None:
    topic = broker.topic(partitions=100)
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=broker.bootstrap)) as client:
        sent = [client.send(topic, b"%d" % number, partition=number % 100) for number in range(200)]
        client.flush(SECONDS)
        assert {each.get(SECONDS).offset for each in sent} == {0, 1}
    reader = consumer(broker, topic)
    reader.assign([kafka.TopicPartition(topic, each) for each in range(100)])
    seen = sorted(
        (each.partition, each.offset, int(each.value)) for each in (next(reader) for _ in range(200))
    )
    assert seen == sorted((number % 100, number // 100, number) for number in range(200))
    reader.close()


@covers(CLIENT, "alter-config")
def test_admin_changes_a_setting_and_takes_it_back(admin: Any, topic: str) -> None:
    def become(change: tuple[str, str | None], wanted: str) -> None:
        kind = kafka.admin.ConfigResourceType.TOPIC
        admin.alter_configs([kafka.admin.ConfigResource(kind, topic, {"max.message.bytes": change})])
        deadline = time.monotonic() + SECONDS
        while True:
            asked = kafka.admin.ConfigResource(kind, topic, {"max.message.bytes": None})
            described = admin.describe_configs([asked], config_filter="all")
            value = described["topic"][topic]["max.message.bytes"]["value"]
            if value == wanted:
                return
            assert time.monotonic() < deadline, value

    become(("SET", "5000"), "5000")
    become(("DELETE", None), "1048588")


@covers(CLIENT, "invalid-config", "partition-count")
@pytest.mark.parametrize(
    ("partitions", "configs", "error"),
    [
        (1, {"retention.ms": "soon"}, "InvalidConfigurationError"),
        (1, {"no.such.setting": "1"}, "InvalidConfigurationError"),
        (0, {}, "InvalidPartitionsError"),
    ],
)
def test_admin_refuses_topics_that_cannot_be(
    admin: Any, broker: Broker, partitions: int, configs: dict[str, str], error: str
) -> None:
    with pytest.raises(getattr(kafka.errors, error)):
        admin.create_topics([kafka.admin.NewTopic(broker.name(), partitions, 1, topic_configs=configs)])


@covers(CLIENT, "partition-count")
def test_admin_never_shrinks_a_topic(admin: Any, broker: Broker) -> None:
    name = broker.topic(partitions=3)
    with pytest.raises(kafka.errors.InvalidPartitionsError):
        admin.create_partitions({name: kafka.admin.NewPartitions(2)})


@covers(CLIENT, "unknown-topic")
def test_admin_deletes_only_what_is_there(admin: Any, broker: Broker) -> None:
    with pytest.raises(kafka.errors.UnknownTopicOrPartitionError):
        admin.delete_topics([broker.name()])


@covers(CLIENT, "out-of-range")
def test_an_offset_beyond_the_end(broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES[:3])
    with contextlib.closing(
        kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=None, auto_offset_reset="none")
    ) as reader:
        partition = kafka.TopicPartition(topic, 0)
        reader.assign([partition])
        reader.seek(partition, 1000)
        with pytest.raises(kafka.errors.OffsetOutOfRangeError):
            for _ in range(20):
                reader.poll(500)
