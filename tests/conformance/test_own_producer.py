"""Our own producer: what it sends is what others read, in order, once, and in transactions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ottla.client import (
    ClientClosed,
    ErrorCode,
    KafkaError,
    NoTransaction,
    Outgoing,
    Producer,
    SettingRefused,
    TransactionFailed,
)
from ottla.client.serialization import JSON, LONG
from tests.confluent import confluent_kafka, consumer, messages
from tests.conformance.broker import Broker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def run(broker: Broker, work: Callable[[Producer], Awaitable[Any]], **settings: Any) -> Any:
    async def inside() -> Any:
        async with Producer(bootstrap_servers=broker.bootstrap, **settings) as producer:
            return await work(producer)

    return asyncio.run(asyncio.wait_for(inside(), 60))


def read(broker: Broker, topic: str, partitions: int = 1, level: str = "read_committed") -> list[Any]:
    reader = consumer(broker.bootstrap, isolation_level=level)
    found = [each for part in range(partitions) for each in messages(reader, topic, partition=part)]
    reader.close()
    return found


def values(broker: Broker, topic: str, partitions: int = 1, level: str = "read_committed") -> list[bytes]:
    return [each.value() for each in read(broker, topic, partitions, level)]


def new_id() -> str:
    return f"tx-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_sent_is_read(broker: Broker, topic: str, codec: str) -> None:
    async def work(producer: Producer) -> int:
        delivery = await producer.send(
            topic, b"tea" * 100, key=b"ann", headers=[("trace", b"1"), ("trace", None)], timestamp=1_000
        )
        await producer.send(topic, None, key=b"bob")
        return (await delivery).offset

    assert run(broker, work, compression_type=codec) == 0
    first, second = read(broker, topic)
    assert (first.key(), first.value(), first.timestamp()[1]) == (b"ann", b"tea" * 100, 1_000)
    assert first.headers() == [("trace", b"1"), ("trace", None)]
    assert (second.key(), second.value()) == (b"bob", None)


@pytest.mark.parametrize("settings", [{}, {"acks": 1}, {"enable_idempotence": False}, {"acks": 0}])
def test_many_small_batches_keep_their_order(broker: Broker, topic: str, settings: dict[str, Any]) -> None:
    async def work(producer: Producer) -> None:
        for number in range(2_000):
            await producer.send(topic, b"%d" % number)

    run(broker, work, batch_size=300, linger_ms=0, **settings)
    assert values(broker, topic) == [b"%d" % number for number in range(2_000)]


def test_columns_and_batches_arrive_whole(broker: Broker) -> None:
    topic = broker.topic(3)

    async def work(producer: Producer) -> None:
        rows = [b"%d" % number for number in range(5_000)]
        keys = [b"k%d" % (number % 7) for number in range(5_000)]
        columns = await producer.send_columns(topic, rows, keys=keys)
        batch = await producer.send_batch(topic, [b"a", Outgoing(b"b", key=b"k1")], partition=2)
        delivered = await columns
        assert sum(each.count for each in delivered) >= 5_000
        assert sum(each.count for each in await batch) >= 2

    run(broker, work)
    found = read(broker, topic, 3)
    assert len(found) == 5_002
    for name in {each.key() for each in found if each.key() and each.value() != b"b"}:
        numbers = [int(each.value()) for each in found if each.key() == name and each.value() != b"b"]
        assert numbers == sorted(numbers)
        assert len({each.partition() for each in found if each.key() == name and each.value() != b"b"}) == 1


@pytest.mark.parametrize(("ours", "theirs"), [("murmur2", "murmur2_random"), ("crc32", "consistent_random")])
def test_a_key_meets_its_like_from_librdkafka(broker: Broker, ours: str, theirs: str) -> None:
    topic = broker.topic(5)
    keys = [b"", b"a", b"key-1", b"\xff\x00\x80", "schlüssel".encode(), b"0123456789abcdef"]

    async def work(producer: Producer) -> None:
        for key in keys:
            await producer.send(topic, b"ours", key=key)

    run(broker, work, partitioner=ours)
    other = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap, "partitioner": theirs})
    for key in keys[1:]:
        other.produce(topic, b"theirs", key=key)
    other.flush(30)
    placed: dict[bytes, set[int]] = {}
    for each in read(broker, topic, 5):
        placed.setdefault(each.key(), set()).add(each.partition())
    assert all(len(partitions) == 1 for partitions in placed.values()), placed


def test_values_take_the_form_of_their_serializers(broker: Broker, topic: str) -> None:
    async def work(producer: Producer) -> None:
        await producer.send(topic, {"id": 7, "tags": ["a"]}, key=7)

    run(broker, work, key_serializer=LONG, value_serializer=JSON)
    (only,) = read(broker, topic)
    assert only.key() == bytes(7) + b"\x07"
    assert only.value() == b'{"id":7,"tags":["a"]}'


def test_what_the_broker_refuses_is_told_and_what_follows_still_goes(broker: Broker) -> None:
    topic = broker.topic(1, {"max.message.bytes": "2000"})

    async def work(producer: Producer) -> None:
        good = [await producer.send(topic, b"0")]
        bad = await producer.send(topic, bytes(5_000))
        good += [await producer.send(topic, b"%d" % number) for number in range(1, 50)]
        with pytest.raises(KafkaError) as raised:
            await bad
        assert raised.value.code == ErrorCode.MESSAGE_TOO_LARGE
        assert [(await each).offset for each in good] == list(range(50))

    run(broker, work, batch_size=200, linger_ms=0)
    assert values(broker, topic) == [b"%d" % number for number in range(50)]


def test_transactions_count_whole_or_not_at_all(broker: Broker) -> None:
    topic = broker.topic(2)

    async def work(producer: Producer) -> None:
        for number in range(6):
            try:
                async with producer.transaction():
                    for partition in range(2):
                        await producer.send(topic, b"%d" % number, partition=partition)
                    if number % 2:
                        await producer.flush()
                        raise RuntimeError("changed its mind")
            except RuntimeError:
                assert number % 2
        with pytest.raises(NoTransaction):
            await producer.send(topic, b"outside")
        async with producer.transaction():
            pass
        await producer.begin_transaction()
        late = await producer.send(topic, b"never sent", partition=0)
        await producer.abort_transaction()
        with pytest.raises(ClientClosed):
            await late

    run(broker, work, transactional_id=new_id())
    assert values(broker, topic, 2) == [b"0", b"2", b"4"] * 2
    assert len(values(broker, topic, 2, "read_uncommitted")) == 12


def test_a_transaction_that_failed_can_only_be_aborted_and_the_next_one_works(broker: Broker) -> None:
    topic = broker.topic(1, {"max.message.bytes": "2000"})

    async def work(producer: Producer) -> None:
        for _ in range(2):
            with pytest.raises(TransactionFailed, match="MESSAGE_TOO_LARGE"):
                async with producer.transaction():
                    await producer.send(topic, b"lost with the rest")
                    await producer.flush()
                    await producer.send(topic, bytes(5_000))
            async with producer.transaction():
                await producer.send(topic, b"kept")

    run(broker, work, transactional_id=new_id())
    assert values(broker, topic) == [b"kept", b"kept"]


def test_a_newer_producer_fences_the_older(broker: Broker, topic: str) -> None:
    name = new_id()

    async def work(older: Producer) -> None:
        await older.begin_transaction()
        await (await older.send(topic, b"older"))
        async with (
            Producer(bootstrap_servers=broker.bootstrap, transactional_id=name) as newer,
            newer.transaction(),
        ):
            await newer.send(topic, b"newer")
        await older.send(topic, b"older again")
        with pytest.raises((KafkaError, TransactionFailed)) as raised:
            await older.commit_transaction()
        assert "FENCED" in str(raised.value) or "INVALID_PRODUCER_EPOCH" in str(raised.value)
        with pytest.raises(TransactionFailed, match="fenced"):
            await older.begin_transaction()

    run(broker, work, transactional_id=name)
    assert values(broker, topic) == [b"newer"]


def test_offsets_count_with_the_records_or_not_at_all(broker: Broker, topic: str) -> None:
    group = f"group-{uuid.uuid4().hex[:8]}"
    source = broker.topic(1)

    async def work(producer: Producer) -> None:
        async with producer.transaction():
            await producer.send(topic, b"1")
            await producer.send_offsets_to_transaction({(source, 0): 5}, group)
        with pytest.raises(RuntimeError):
            async with producer.transaction():
                await producer.send(topic, b"2")
                await producer.send_offsets_to_transaction({(source, 0): 9}, group)
                raise RuntimeError("changed its mind")
        async with producer.transaction():
            await producer.send_offsets_to_transaction({(source, 0): 6}, group)

    run(broker, work, transactional_id=new_id())
    assert values(broker, topic) == [b"1"]
    reader = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    (committed,) = reader.committed([confluent_kafka.TopicPartition(source, 0)], timeout=30)
    reader.close()
    assert committed.offset == 6


def test_a_wrong_setting_is_told_before_anything_is_opened() -> None:
    with pytest.raises(SettingRefused) as raised:
        Producer(linger=5)
    assert raised.value.hint == "did you mean linger_ms?"
