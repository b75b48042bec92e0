"""aiokafka: asyncio and Cython; without a group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.conformance.broker import Broker
from tests.samples import COMPRESSIONS, LARGE, SECONDS, Sample
from tests.samples import SAMPLES as EVERY_SAMPLE

aiokafka = pytest.importorskip("aiokafka")
errors = pytest.importorskip("aiokafka.errors")


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


def test_a_record_of_a_megabyte(broker: Broker, topic: str) -> None:
    async def one(client: Any, _: Any) -> Sample:
        return sample(await client.getone())

    run(send(broker, topic, [LARGE], max_request_size=1_100_000))
    assert run(read(broker, topic, one)) == LARGE


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


def test_a_record_too_large(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "1000"})
    with pytest.raises(errors.MessageSizeTooLargeError):
        run(send(broker, topic, [Sample(None, bytes(5000))]))
