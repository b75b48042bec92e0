"""aiokafka: asyncio and Cython; without a group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.samples import COMPRESSIONS, LARGE, SECONDS, Sample
from tests.samples import SAMPLES as EVERY_SAMPLE

aiokafka = pytest.importorskip("aiokafka")
errors = pytest.importorskip("aiokafka.errors")

CLIENT = "aiokafka"

SAMPLES = [each for each in EVERY_SAMPLE if each.key is not None or each.value is not None]
"""This client refuses a record with neither key nor value."""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 2 * SECONDS))


async def send(broker: Broker, topic: str, samples: list[Sample], **settings: Any) -> list[int]:
    client = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5, **settings)
    await client.start()
    try:
        waiting = [
            await client.send(
                topic,
                each.value,
                each.key,
                partition=0,
                timestamp_ms=each.timestamp,
                headers=list(each.headers),
            )
            for each in samples
        ]
        return [(await each).offset for each in waiting]
    finally:
        await client.stop()


async def read(broker: Broker, topic: str, use: Callable[[Any, Any], Coroutine[Any, Any, Any]]) -> Any:
    client = aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await client.start()
    try:
        partition = aiokafka.TopicPartition(topic, 0)
        client.assign([partition])
        return await use(client, partition)
    finally:
        await client.stop()


def sample(record: Any) -> Sample:
    return Sample(record.key, record.value, tuple(record.headers), record.timestamp)


@covers(CLIENT, *COMPRESSIONS, "headers", "nulls", "create-time", "idempotent")
@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_every_kind_of_record_comes_back_as_sent(
    broker: Broker, topic: str, codec: str, idempotent: bool
) -> None:
    compression = None if codec == "none" else codec

    async def all_of_them(client: Any, _: Any) -> list[Sample]:
        return [sample(await client.getone()) for _ in SAMPLES]

    sent = send(broker, topic, SAMPLES, compression_type=compression, enable_idempotence=idempotent)
    assert run(sent) == list(range(len(SAMPLES)))
    assert run(read(broker, topic, all_of_them)) == SAMPLES


@covers(CLIENT, "megabyte")
def test_a_record_of_a_megabyte(broker: Broker, topic: str) -> None:
    async def one(client: Any, _: Any) -> Sample:
        return sample(await client.getone())

    run(send(broker, topic, [LARGE], max_request_size=1_100_000))
    assert run(read(broker, topic, one)) == LARGE


@covers(CLIENT, "seek-offset", "seek-beginning", "list-offsets")
def test_offsets_times_and_seeks(broker: Broker, topic: str) -> None:
    async def look(client: Any, partition: Any) -> list[int]:
        beginning = await client.beginning_offsets([partition])
        end = await client.end_offsets([partition])
        times = await client.offsets_for_times({partition: SAMPLES[8].timestamp})
        client.seek(partition, 42)
        seen = (await client.getone()).offset
        await client.seek_to_beginning(partition)
        first = (await client.getone()).offset
        return [beginning[partition], end[partition], times[partition].offset, seen, first]

    run(send(broker, topic, SAMPLES))
    assert run(read(broker, topic, look)) == [0, len(SAMPLES), 8, 42, 0]


@covers(CLIENT, "too-large")
def test_a_record_too_large(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "1000"})
    with pytest.raises(errors.MessageSizeTooLargeError):
        run(send(broker, topic, [Sample(None, bytes(5000))]))


@covers(CLIENT, "append-time")
def test_log_append_time_is_the_brokers(broker: Broker) -> None:
    topic = broker.topic(configs={"message.timestamp.type": "LogAppendTime"})

    async def all_of_them(client: Any, _: Any) -> list[Any]:
        return [await client.getone() for _ in SAMPLES]

    run(send(broker, topic, SAMPLES, compression_type="gzip"))
    got = run(read(broker, topic, all_of_them))
    assert {each.timestamp_type for each in got} == {1}
    assert min(each.timestamp for each in got) > SAMPLES[-1].timestamp


@covers(CLIENT, "seek-end", "seek-time")
def test_seeks_to_a_time_and_to_the_end(broker: Broker, topic: str) -> None:
    async def look(client: Any, partition: Any) -> list[int]:
        seen = []
        for wanted in (6, 8, 150):
            found = await client.offsets_for_times({partition: SAMPLES[wanted].timestamp})
            client.seek(partition, found[partition].offset)
            seen.append((await client.getone()).offset)
        await client.seek_to_end(partition)
        seen.append(await client.position(partition))
        await send(broker, topic, SAMPLES[:1])
        seen.append((await client.getone()).offset)
        return seen

    run(send(broker, topic, SAMPLES, compression_type="zstd"))
    assert run(read(broker, topic, look)) == [6, 8, 150, len(SAMPLES), len(SAMPLES)]


@covers(CLIENT, "acks-0", "acks-1", "acks-all")
@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_acknowledged_by_nobody_by_one_and_by_all(broker: Broker, topic: str, acks: int | str) -> None:
    async def produce() -> None:
        client = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks=acks)
        await client.start()
        for each in SAMPLES[:20]:
            await client.send(topic, each.value, each.key, partition=0)
        await client.stop()

    async def keys(client: Any, _: Any) -> list[Any]:
        return [(await client.getone()).key for _ in range(20)]

    run(produce())
    assert run(read(broker, topic, keys)) == [each.key for each in SAMPLES[:20]]


@covers(CLIENT, "concurrent")
def test_producers_at_once_lose_nothing_and_keep_their_order(broker: Broker, topic: str) -> None:
    async def write() -> None:
        await asyncio.gather(
            *(
                send(
                    broker, topic, [Sample(b"%d" % which, b"%d" % n) for n in range(300)], max_batch_size=500
                )
                for which in range(3)
            )
        )

    async def by_key(client: Any, _: Any) -> dict[bytes, list[int]]:
        seen: dict[bytes, list[int]] = {b"%d" % which: [] for which in range(3)}
        for _ in range(900):
            record = await client.getone()
            seen[record.key].append(int(record.value))
        return seen

    run(write())
    assert list(run(read(broker, topic, by_key)).values()) == [list(range(300))] * 3


@covers(CLIENT, "many-partitions")
def test_many_partitions_at_once(broker: Broker) -> None:
    topic = broker.topic(partitions=100)

    async def produce() -> None:
        client = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await client.start()
        for number in range(200):
            await client.send(topic, b"%d" % number, partition=number % 100)
        await client.stop()

    async def all_of_them(client: Any, _: Any) -> list[tuple[int, int, int]]:
        client.assign([aiokafka.TopicPartition(topic, each) for each in range(100)])
        records = [await client.getone() for _ in range(200)]
        return sorted((each.partition, each.offset, int(each.value)) for each in records)

    run(produce())
    wanted = sorted((number % 100, number // 100, number) for number in range(200))
    assert run(read(broker, topic, all_of_them)) == wanted


@covers(CLIENT, "out-of-range")
def test_an_offset_beyond_the_end(broker: Broker, topic: str) -> None:
    async def beyond() -> None:
        client = aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none")
        await client.start()
        try:
            partition = aiokafka.TopicPartition(topic, 0)
            client.assign([partition])
            client.seek(partition, 1000)
            await client.getone()
        finally:
            await client.stop()

    run(send(broker, topic, SAMPLES[:3]))
    with pytest.raises(errors.OffsetOutOfRangeError):
        run(beyond())
