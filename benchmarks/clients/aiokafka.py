"""aiokafka: its batches are built by the caller; it has no columns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.clients import laps
from benchmarks.clients.laps import Asked, check, main

PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": laps.LINGER_MS,
    "max_batch_size": laps.BATCH_BYTES,
}
CONSUMER: dict[str, Any] = {
    "fetch_max_bytes": laps.FETCH_BYTES,
    "max_partition_fetch_bytes": laps.PARTITION_BYTES,
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
}


async def produce(asked: Asked) -> None:
    topic, value = asked.topic, asked.values[0]
    async with AIOKafkaProducer(bootstrap_servers=asked.bootstrap, **PRODUCER) as producer:
        for count in asked.rounds():
            for _ in range(count):
                await producer.send(topic, value)
            await producer.flush()


async def produce_batch(asked: Asked) -> None:
    topic, value = asked.topic, asked.values[0]
    async with AIOKafkaProducer(bootstrap_servers=asked.bootstrap, **PRODUCER) as producer:
        for count in asked.rounds():
            left = count
            while left:
                batch = producer.create_batch()
                while left and batch.append(key=None, value=value, timestamp=None) is not None:
                    left -= 1
                batch.close()
                await producer.send_batch(batch, topic, partition=0)
            await producer.flush()


async def consume(asked: Asked) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=asked.bootstrap, **CONSUMER) as consumer:
        partition = TopicPartition(asked.topic, 0)
        consumer.assign([partition])
        for count in asked.rounds():
            consumer.seek(partition, 0)
            read = seen = 0
            async for record in consumer:
                seen += len(record.value)
                read += 1
                if read == count:
                    break
            check(asked, seen, read)


async def consume_batches(asked: Asked) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=asked.bootstrap, **CONSUMER) as consumer:
        partition = TopicPartition(asked.topic, 0)
        consumer.assign([partition])
        for count in asked.rounds():
            consumer.seek(partition, 0)
            read = seen = 0
            while read < count:
                found = await consumer.getmany(timeout_ms=1000, max_records=laps.CHUNK)
                for records in found.values():
                    for record in records:
                        seen += len(record.value)
                        read += 1
            check(asked, seen, read)


def running(way: Callable[[Asked], Coroutine[None, None, None]], asked: Asked) -> None:
    asyncio.run(way(asked))


WAYS = {
    "produce": partial(running, produce),
    "produce-batch": partial(running, produce_batch),
    "consume": partial(running, consume),
    "consume-batches": partial(running, consume_batches),
}

if __name__ == "__main__":
    main(WAYS)
