"""kafka-python: a client that shares no code with librdkafka or the JVM; without a group, and its admin."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.conformance.broker import Broker
from tests.samples import COMPRESSIONS, LARGE, SECONDS, Sample
from tests.samples import SAMPLES as EVERY_SAMPLE

kafka = pytest.importorskip("kafka")

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


@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_every_kind_of_record_comes_back_as_sent(broker: Broker, topic: str, codec: str) -> None:
    compression = None if codec == "none" else codec
    assert send(broker, topic, SAMPLES, compression_type=compression) == list(range(len(SAMPLES)))
    reader = consumer(broker, topic)
    assert [sample(next(reader)) for _ in SAMPLES] == SAMPLES
    reader.close()


def test_a_record_of_a_megabyte(broker: Broker, topic: str) -> None:
    send(broker, topic, [LARGE], max_request_size=1_100_000)
    reader = consumer(broker, topic)
    assert sample(next(reader)) == LARGE
    reader.close()


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


def test_admin_refuses_what_is_taken(admin: Any, broker: Broker) -> None:
    with pytest.raises(kafka.errors.TopicAlreadyExistsError):
        admin.create_topics([kafka.admin.NewTopic(broker.topic(), 1, 1)])


def test_admin_deletes_records(admin: Any, broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES[:20])
    partition = kafka.TopicPartition(topic, 0)
    admin.delete_records({partition: 5})
    reader = consumer(broker, topic)
    assert reader.beginning_offsets([partition]) == {partition: 5}
    assert next(reader).offset == 5
    reader.close()


def test_admin_describes_the_cluster_and_its_log_dirs(admin: Any, broker: Broker, topic: str) -> None:
    send(broker, topic, SAMPLES)
    cluster = admin.describe_cluster()
    assert [each["broker_id"] for each in cluster["brokers"]] == [1]
    assert topic in str(admin.describe_log_dirs())
