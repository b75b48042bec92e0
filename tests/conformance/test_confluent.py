"""confluent-kafka (librdkafka 2.x): producing and reading by assignment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.confluent import BEGINNING, END, confluent_kafka, consumer, messages, producer, sample, send
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.samples import COMPRESSIONS, LARGE, SAMPLES, SECONDS

CLIENT = "confluent-kafka"
CREATE_TIME = 1
LOG_APPEND_TIME = 2


@covers(CLIENT, *COMPRESSIONS, "headers", "nulls", "create-time", "idempotent")
@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_every_kind_of_record_comes_back_as_sent(
    broker: Broker, topic: str, codec: str, idempotent: bool
) -> None:
    client = producer(broker.bootstrap, compression_type=codec, enable_idempotence=idempotent)
    assert send(client, topic, SAMPLES) == list(range(len(SAMPLES)))
    reader = consumer(broker.bootstrap)
    got = list(messages(reader, topic))
    assert [sample(each) for each in got] == SAMPLES
    assert [each.offset() for each in got] == list(range(len(SAMPLES)))
    assert {each.timestamp()[0] for each in got} == {CREATE_TIME}
    reader.close()


@covers(CLIENT, "megabyte")
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_records_of_a_megabyte(broker: Broker, topic: str, codec: str) -> None:
    send(producer(broker.bootstrap, compression_type=codec, message_max_bytes=1_048_000), topic, [LARGE] * 5)
    reader = consumer(broker.bootstrap, fetch_message_max_bytes=65_536)
    assert [sample(each) for each in messages(reader, topic)] == [LARGE] * 5
    reader.close()


def test_a_topic_with_its_own_codec_recompresses(broker: Broker) -> None:
    for codec in ("gzip", "zstd", "uncompressed"):
        topic = broker.topic(configs={"compression.type": codec})
        send(producer(broker.bootstrap, compression_type="lz4"), topic, SAMPLES)
        reader = consumer(broker.bootstrap)
        assert [sample(each) for each in messages(reader, topic)] == SAMPLES
        reader.close()


@covers(CLIENT, "seek-offset", "seek-beginning", "seek-end")
def test_seeks_to_offsets_ends_and_the_middle_of_a_batch(broker: Broker, topic: str) -> None:
    send(producer(broker.bootstrap, compression_type="zstd"), topic, SAMPLES)
    reader = consumer(broker.bootstrap)
    assert next(each.offset() for each in messages(reader, topic, 100)) == 100
    assert list(messages(reader, topic, END)) == []
    reader.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    assert reader.poll(SECONDS).offset() == 0
    for offset in (150, 7, 209):
        reader.seek(confluent_kafka.TopicPartition(topic, 0, offset))
        assert reader.poll(SECONDS).offset() == offset
    reader.close()


@covers(CLIENT, "out-of-range")
def test_an_offset_beyond_the_end_is_out_of_range(broker: Broker, topic: str) -> None:
    send(producer(broker.bootstrap), topic, SAMPLES[:3])
    reader = consumer(broker.bootstrap)
    reader.assign([confluent_kafka.TopicPartition(topic, 0, 1000)])
    error = reader.poll(SECONDS).error()
    assert error.code() == confluent_kafka.KafkaError._AUTO_OFFSET_RESET
    assert "out of range" in error.str().lower()
    reader.close()


@covers(CLIENT, "list-offsets")
def test_offsets_for_times_and_watermarks(broker: Broker, topic: str) -> None:
    send(producer(broker.bootstrap), topic, SAMPLES)
    reader = consumer(broker.bootstrap)
    assert reader.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), SECONDS) == (
        0,
        len(SAMPLES),
    )

    def offset_at(time: int) -> int:
        asked = confluent_kafka.TopicPartition(topic, 0, time)
        found: int = reader.offsets_for_times([asked], SECONDS)[0].offset
        return found

    for index in (5, 6, 7, 9, 10, 11, 150, 209):
        assert offset_at(SAMPLES[index].timestamp) == index
    assert offset_at(SAMPLES[6].timestamp + 1) == 7
    assert offset_at(0) == 0
    assert offset_at(SAMPLES[-1].timestamp + 1) == END
    reader.close()


@covers(CLIENT, "append-time")
def test_log_append_time_is_the_brokers(broker: Broker) -> None:
    topic = broker.topic(configs={"message.timestamp.type": "LogAppendTime"})
    send(producer(broker.bootstrap, compression_type="gzip"), topic, SAMPLES)
    reader = consumer(broker.bootstrap)
    got = list(messages(reader, topic))
    assert [(each.key(), each.value()) for each in got] == [(each.key, each.value) for each in SAMPLES]
    assert {each.timestamp()[0] for each in got} == {LOG_APPEND_TIME}
    assert min(each.timestamp()[1] for each in got) > SAMPLES[-1].timestamp
    reader.close()


@covers(CLIENT, "many-partitions")
def test_many_partitions_at_once(broker: Broker) -> None:
    topic = broker.topic(partitions=12)
    client = producer(broker.bootstrap, enable_idempotence=True, compression_type="lz4")
    for number in range(6000):
        client.produce(topic, b"%d" % number, partition=number % 12)
        client.poll(0)
    assert client.flush(SECONDS) == 0
    reader = consumer(broker.bootstrap)
    reader.assign([confluent_kafka.TopicPartition(topic, each, BEGINNING) for each in range(12)])
    seen: dict[int, list[int]] = {each: [] for each in range(12)}
    ends = 0
    while ends < 12:
        message = reader.poll(SECONDS)
        if message.error():
            ends += 1
        else:
            seen[message.partition()].append(int(message.value()))
    assert seen == {each: list(range(each, 6000, 12)) for each in range(12)}
    reader.close()


def test_a_waiting_consumer_is_woken_by_the_next_record(broker: Broker, topic: str) -> None:
    reader = consumer(broker.bootstrap, fetch_wait_max_ms=3_000)
    assert list(messages(reader, topic)) == []
    send(producer(broker.bootstrap), topic, SAMPLES[:1])
    message = reader.poll(5)
    assert message is not None
    assert sample(message) == SAMPLES[0]
    reader.close()


def test_read_committed_sees_what_was_never_in_a_transaction(broker: Broker, topic: str) -> None:
    send(producer(broker.bootstrap), topic, SAMPLES)
    reader = consumer(broker.bootstrap, isolation_level="read_committed")
    assert [sample(each) for each in messages(reader, topic)] == SAMPLES
    reader.close()


def test_idempotent_producers_take_turns(broker: Broker, topic: str) -> None:
    first, second = (producer(broker.bootstrap, enable_idempotence=True) for _ in range(2))
    offsets = [offset for client in (first, second) * 5 for offset in send(client, topic, SAMPLES[:10])]
    assert offsets == list(range(100))


def test_a_topic_nobody_created_appears_when_used(broker: Broker) -> None:
    topic = broker.name()
    assert send(producer(broker.bootstrap, allow_auto_create_topics=True), topic, SAMPLES[:2]) == [0, 1]


def failure(client: Any, topic: str, value: bytes, partition: int = 0) -> int:
    """Produce what must fail; the error code of the delivery report."""
    codes: list[int] = []
    client.produce(topic, value, partition=partition, on_delivery=lambda error, _: codes.append(error.code()))
    assert client.flush(SECONDS) == 0
    return codes[0]


@covers(CLIENT, "too-large")
def test_a_record_larger_than_the_topic_takes(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "1000"})
    client = producer(broker.bootstrap)
    assert failure(client, topic, bytes(2000)) == confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE
    assert send(client, topic, SAMPLES[:1]) == [0]


def test_more_replicas_wanted_in_sync_than_there_are(broker: Broker) -> None:
    """`min.insync.replicas` is held against the smaller of itself and the replication factor (KIP-966)."""
    topic = broker.topic(configs={"min.insync.replicas": "2"})
    assert send(producer(broker.bootstrap, acks="all"), topic, SAMPLES[:1]) == [0]


def test_a_compacted_topic_refuses_records_without_key(broker: Broker) -> None:
    topic = broker.topic(configs={"cleanup.policy": "compact"})
    assert (
        failure(producer(broker.bootstrap, retries=0), topic, b"x")
        == confluent_kafka.KafkaError.INVALID_RECORD
    )


def test_a_timestamp_out_of_bounds(broker: Broker) -> None:
    topic = broker.topic(configs={"message.timestamp.before.max.ms": "1000"})
    codes: list[int] = []
    client = producer(broker.bootstrap, retries=0)
    client.produce(topic, b"x", timestamp=1, on_delivery=lambda error, _: codes.append(error.code()))
    client.flush(SECONDS)
    assert codes == [confluent_kafka.KafkaError.INVALID_TIMESTAMP]


@covers(CLIENT, "unknown-topic")
def test_a_topic_that_is_not_there(broker: Broker) -> None:
    name = broker.name()
    reader = consumer(broker.bootstrap, allow_auto_create_topics=False)
    error = reader.list_topics(name, SECONDS).topics[name].error
    assert error.code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART
    reader.close()


@covers(CLIENT, "seek-time")
def test_reads_from_a_point_in_time_on(broker: Broker, topic: str) -> None:
    send(producer(broker.bootstrap, compression_type="zstd"), topic, SAMPLES)
    reader = consumer(broker.bootstrap)
    for wanted in (6, 8, 150):
        asked = confluent_kafka.TopicPartition(topic, 0, SAMPLES[wanted].timestamp)
        [found] = reader.offsets_for_times([asked], SECONDS)
        assert sample(next(messages(reader, topic, found.offset))) == SAMPLES[wanted]
    reader.close()


@covers(CLIENT, "acks-0", "acks-1", "acks-all")
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acknowledged_by_nobody_by_one_and_by_all(broker: Broker, topic: str, acks: str) -> None:
    send(producer(broker.bootstrap, acks=acks), topic, SAMPLES)
    reader = consumer(broker.bootstrap)
    assert [sample(each) for each in messages(reader, topic)] == SAMPLES
    reader.close()


@covers(CLIENT, "concurrent")
def test_producers_at_once_lose_nothing_and_keep_their_order(broker: Broker, topic: str) -> None:
    clients = [producer(broker.bootstrap, enable_idempotence=True, batch_size=2000) for _ in range(4)]
    failed: list[Any] = []
    for number in range(500):
        for which, client in enumerate(clients):
            client.produce(
                topic,
                b"%d" % number,
                b"%d" % which,
                partition=0,
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
            client.poll(0)
    assert [client.flush(SECONDS) for client in clients] == [0] * 4
    assert failed == []
    reader = consumer(broker.bootstrap)
    seen: dict[bytes, list[int]] = {b"%d" % which: [] for which in range(4)}
    for each in messages(reader, topic):
        seen[each.key()].append(int(each.value()))
    assert list(seen.values()) == [list(range(500))] * 4
    reader.close()
