"""`ottla.client`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from benchmarks.clients import laps
from benchmarks.clients.laps import Asked, check, main
from ottla.client import Consumer, Producer

PRODUCER = {"acks": "all", "linger_ms": laps.LINGER_MS, "batch_size": laps.BATCH_BYTES}
CONSUMER = {"fetch_max_bytes": laps.FETCH_BYTES, "max_partition_fetch_bytes": laps.PARTITION_BYTES}


async def produce(asked: Asked) -> None:
    topic, value = asked.topic, asked.values[0]
    async with Producer(bootstrap_servers=asked.bootstrap, **PRODUCER) as producer:
        for count in asked.rounds():
            for _ in range(count):
                await producer.send(topic, value)
            await producer.flush()


async def produce_batch(asked: Asked) -> None:
    topic, values = asked.topic, asked.values
    async with Producer(bootstrap_servers=asked.bootstrap, **PRODUCER) as producer:
        for count in asked.rounds():
            for _ in range(count // laps.CHUNK):
                await producer.send_batch(topic, values)
            await producer.flush()


async def produce_columns(asked: Asked) -> None:
    topic, values = asked.topic, asked.values
    async with Producer(bootstrap_servers=asked.bootstrap, **PRODUCER) as producer:
        for count in asked.rounds():
            for _ in range(count // laps.CHUNK):
                await producer.send_columns(topic, values)
            await producer.flush()


async def consume(asked: Asked) -> None:
    async with Consumer(bootstrap_servers=asked.bootstrap, **CONSUMER) as consumer:
        for count in asked.rounds():
            consumer.assign({(asked.topic, 0): 0})
            read = seen = 0
            async for record in consumer:
                seen += len(record.value)
                read += 1
                if read == count:
                    break
            check(asked, seen, read)


async def consume_batches(asked: Asked) -> None:
    async with Consumer(bootstrap_servers=asked.bootstrap, **CONSUMER) as consumer:
        for count in asked.rounds():
            consumer.assign({(asked.topic, 0): 0})
            read = seen = 0
            while read < count:
                for fetched in await consumer.poll(1000):
                    for record in fetched.records():
                        seen += len(record.value or b"")
                        read += 1
            check(asked, seen, read)


async def consume_columns(asked: Asked) -> None:
    async with Consumer(bootstrap_servers=asked.bootstrap, **CONSUMER) as consumer:
        for count in asked.rounds():
            consumer.assign({(asked.topic, 0): 0})
            read = seen = 0
            async for batch in consumer.batches():
                seen += sum(map(len, batch.values))
                read += len(batch)
                if read >= count:
                    break
            check(asked, seen, read)


def running(way: Callable[[Asked], Coroutine[None, None, None]], asked: Asked) -> None:
    asyncio.run(way(asked))


WAYS = {
    "produce": partial(running, produce),
    "produce-batch": partial(running, produce_batch),
    "produce-columns": partial(running, produce_columns),
    "consume": partial(running, consume),
    "consume-batches": partial(running, consume_batches),
    "consume-columns": partial(running, consume_columns),
}

if __name__ == "__main__":
    main(WAYS)
