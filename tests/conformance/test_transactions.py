"""Transactions: what is committed is seen, what is aborted is not, and a consume-transform-produce loop counts exactly."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.confluent import confluent_kafka, consumer, messages, producer
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.conformance.test_groups import AIOKAFKA, KAFKA_PYTHON, LIBRDKAFKA, PARTITIONS, fill, new_group
from tests.samples import SECONDS

aiokafka = pytest.importorskip("aiokafka")
errors = pytest.importorskip("aiokafka.errors")
kafka_python = pytest.importorskip("kafka")
kafka_errors = pytest.importorskip("kafka.errors")
kafka_structs = pytest.importorskip("kafka.structs")
structs = pytest.importorskip("aiokafka.structs")


def transactional(broker: Broker, name: str | None = None, **settings: Any) -> Any:
    name = name or f"tx-{uuid.uuid4().hex[:8]}"
    client = producer(broker.bootstrap, **{"transactional.id": name, **settings})
    client.init_transactions(SECONDS)
    return client


def values(broker: Broker, topic: str, level: str, partitions: int = 1) -> list[str]:
    reader = consumer(broker.bootstrap, isolation_level=level)
    found = [
        each.value().decode()
        for partition in range(partitions)
        for each in messages(reader, topic, partition=partition)
    ]
    reader.close()
    return found


@covers(LIBRDKAFKA, "committed")
def test_committed_records_are_seen_and_aborted_ones_are_not(broker: Broker, topic: str) -> None:
    client = transactional(broker)
    for number in range(5):
        client.begin_transaction()
        for part in range(3):
            client.produce(topic, f"{number}.{part}", partition=0)
        client.flush(SECONDS)
        if number % 2:
            client.abort_transaction(SECONDS)
        else:
            client.commit_transaction(SECONDS)
    kept = [f"{number}.{part}" for number in (0, 2, 4) for part in range(3)]
    assert values(broker, topic, "read_committed") == kept
    assert len(values(broker, topic, "read_uncommitted")) == 15


def test_an_open_transaction_holds_readers_of_what_is_committed_back(broker: Broker, topic: str) -> None:
    client, other = transactional(broker), producer(broker.bootstrap)
    client.begin_transaction()
    client.produce(topic, "open", partition=0)
    client.flush(SECONDS)
    other.produce(topic, "plain", partition=0)
    other.flush(SECONDS)
    assert values(broker, topic, "read_committed") == []
    assert values(broker, topic, "read_uncommitted") == ["open", "plain"]
    client.commit_transaction(SECONDS)
    assert values(broker, topic, "read_committed") == ["open", "plain"]


@covers(LIBRDKAFKA, "producer-fencing")
def test_a_new_producer_fences_the_old_one_and_aborts_what_it_left_open(broker: Broker, topic: str) -> None:
    old = transactional(broker, name := f"tx-{uuid.uuid4().hex[:8]}")
    old.begin_transaction()
    old.produce(topic, "left open", partition=0)
    old.flush(SECONDS)
    new = transactional(broker, name)
    new.begin_transaction()
    new.produce(topic, "new", partition=0)
    new.commit_transaction(SECONDS)
    with pytest.raises(confluent_kafka.KafkaException) as fenced:
        old.commit_transaction(SECONDS)
    assert fenced.value.args[0].fatal()
    assert values(broker, topic, "read_committed") == ["new"]


@covers(LIBRDKAFKA, "transactional-offsets")
def test_a_loop_of_consume_transform_produce_counts_exactly(broker: Broker) -> None:
    source, sink, group = broker.topic(PARTITIONS), broker.topic(PARTITIONS), new_group()
    fill(broker, source, 120)
    done, rounds = 0, 0
    while done < 120:
        # Each round is a life of its own: it aborts its last transaction and dies, the next goes on where it committed.
        client = transactional(broker, f"loop-{group}")
        reader = confluent_kafka.Consumer(
            {
                "bootstrap.servers": broker.bootstrap,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": 6000,
            }
        )
        reader.subscribe([source])
        for step in range(3):
            batch = [each for each in reader.consume(20, 3) if each.error() is None]
            if not batch:
                break
            client.begin_transaction()
            for each in batch:
                client.produce(sink, each.value(), partition=each.partition())
            client.send_offsets_to_transaction(
                reader.position(reader.assignment()), reader.consumer_group_metadata(), SECONDS
            )
            client.flush(SECONDS)
            if step == 2:
                client.abort_transaction(SECONDS)
            else:
                client.commit_transaction(SECONDS)
                done += len(batch)
        reader.close()
        rounds += 1
        assert rounds < 30
    assert sorted(map(int, values(broker, sink, "read_committed", PARTITIONS))) == list(range(120))


def test_what_administrators_see_of_transactions(broker: Broker, topic: str) -> None:
    name = f"tx-{uuid.uuid4().hex[:8]}"
    client = transactional(broker, name)
    client.begin_transaction()
    client.produce(topic, "open", partition=0)
    client.flush(SECONDS)
    reader = consumer(broker.bootstrap, group_id=new_group())
    stable = reader.committed([confluent_kafka.TopicPartition(topic, 0)], SECONDS)
    assert stable[0].offset < 0
    reader.close()
    client.abort_transaction(SECONDS)


@covers(AIOKAFKA, "committed", "transactional-offsets")
def test_aiokafka_commits_aborts_and_sends_offsets(broker: Broker, topic: str) -> None:
    group, name = new_group(), f"tx-{uuid.uuid4().hex[:8]}"

    async def scenario() -> None:
        client = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
        await client.start()
        try:
            async with client.transaction():
                await client.send_and_wait(topic, b"kept", partition=0)
                place = structs.TopicPartition(topic, 0)
                await client.send_offsets_to_transaction(
                    {place: structs.OffsetAndMetadata(41, "there")}, group
                )
            with pytest.raises(RuntimeError):
                async with client.transaction():
                    await client.send_and_wait(topic, b"dropped", partition=0)
                    raise RuntimeError
        finally:
            await client.stop()

    asyncio.run(asyncio.wait_for(scenario(), 3 * SECONDS))
    assert values(broker, topic, "read_committed") == ["kept"]
    reader = consumer(broker.bootstrap, group_id=group)
    (told,) = reader.committed([confluent_kafka.TopicPartition(topic, 0)], SECONDS)
    # librdkafka hands the metadata over with what happens to lie behind it, so only its front is looked at.
    assert told.offset == 41
    assert told.metadata.startswith("there")
    reader.close()


@covers(AIOKAFKA, "producer-fencing")
def test_aiokafka_is_shut_out_by_a_newer_producer(broker: Broker, topic: str) -> None:
    name = f"tx-{uuid.uuid4().hex[:8]}"

    async def scenario() -> None:
        def client() -> Any:
            return aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)

        old, new = client(), client()
        await old.start()
        await old.begin_transaction()
        await old.send_and_wait(topic, b"left open", partition=0)
        await new.start()
        try:
            async with new.transaction():
                await new.send_and_wait(topic, b"new", partition=0)
            with pytest.raises(errors.KafkaError):
                await old.commit_transaction()
        finally:
            await new.stop()
            await old.stop()

    asyncio.run(asyncio.wait_for(scenario(), 3 * SECONDS))
    assert values(broker, topic, "read_committed") == ["new"]


@covers(KAFKA_PYTHON, "committed", "transactional-offsets", "producer-fencing")
def test_kafka_python_commits_aborts_sends_offsets_and_is_shut_out(broker: Broker, topic: str) -> None:
    group, name = new_group(), f"tx-{uuid.uuid4().hex[:8]}"
    place = kafka_structs.TopicPartition(topic, 0)

    def client() -> Any:
        found = kafka_python.KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
        found.init_transactions()
        return found

    old = client()
    for number, kept in enumerate((True, False, True)):
        old.begin_transaction()
        old.send(topic, b"%d" % number, partition=0).get(SECONDS)
        offset = kafka_structs.OffsetAndMetadata(10 + number, "", -1)
        old.send_offsets_to_transaction({place: offset}, group)
        if kept:
            old.commit_transaction()
        else:
            old.abort_transaction()
    old.begin_transaction()
    old.send(topic, b"left open", partition=0).get(SECONDS)
    new = client()
    new.begin_transaction()
    new.send(topic, b"new", partition=0).get(SECONDS)
    new.commit_transaction()
    with pytest.raises(kafka_errors.KafkaError):
        old.commit_transaction()
    for each in (old, new):
        each.close(timeout=SECONDS)
    assert values(broker, topic, "read_committed") == ["0", "2", "new"]
    reader = consumer(broker.bootstrap, group_id=group)
    (told,) = reader.committed([confluent_kafka.TopicPartition(topic, 0)], SECONDS)
    assert told.offset == 12
    reader.close()
