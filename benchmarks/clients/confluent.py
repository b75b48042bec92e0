"""confluent-kafka, the Python face of librdkafka: it has no columns. Its checks of CRCs are switched on, as the others' are."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.clients import laps
from benchmarks.clients.laps import Asked, check, main

QUEUED = 500_000
"""Records it may hold; at its default of 100,000 it would spend its time being full."""
READ_AHEAD = 200_000
"""Records it reads ahead (64 MB of them at most), with no pause once it has: by default it stops for a second again and
again, and comes to a tenth of its rate."""
PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": laps.LINGER_MS,
    "batch.size": laps.BATCH_BYTES,
    "queue.buffering.max.messages": QUEUED,
}
CONSUMER: dict[str, Any] = {
    "group.id": "none",
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "check.crcs": True,
    "fetch.max.bytes": laps.FETCH_BYTES,
    "max.partition.fetch.bytes": laps.PARTITION_BYTES,
    "queued.min.messages": READ_AHEAD,
    "fetch.queue.backoff.ms": 0,
}


def produce(asked: Asked) -> None:
    topic, value = asked.topic, asked.values[0]
    producer = Producer({"bootstrap.servers": asked.bootstrap, **PRODUCER})
    for count in asked.rounds():
        for number in range(count):
            while True:
                try:
                    producer.produce(topic, value)
                    break
                except BufferError:
                    producer.poll(0.01)
            if not number % laps.CHUNK:
                producer.poll(0)
        producer.flush()


def produce_batch(asked: Asked) -> None:
    topic = asked.topic
    messages = [{"value": value} for value in asked.values]
    producer = Producer({"bootstrap.servers": asked.bootstrap, **PRODUCER})
    for count in asked.rounds():
        left = count
        while left:
            sent = producer.produce_batch(topic, messages[:left])
            left -= sent
            producer.poll(0 if sent else 0.01)
        producer.flush()


def reader(asked: Asked) -> tuple[Consumer, TopicPartition]:
    consumer = Consumer({"bootstrap.servers": asked.bootstrap, **CONSUMER})
    start = TopicPartition(asked.topic, 0, 0)
    consumer.assign([start])
    message = consumer.poll(30)  # it looks for the leader before, half a second often
    if message is None or message.error():
        raise RuntimeError(f"nothing could be read: {message and message.error()}")
    return consumer, start


def consume(asked: Asked) -> None:
    consumer, start = reader(asked)
    for count in asked.rounds():
        consumer.seek(start)
        read = seen = 0
        while read < count:
            message = consumer.poll(1)
            if message is not None:
                seen += len(message.value())
                read += 1
        check(asked, seen, read)
    consumer.close()


def consume_batches(asked: Asked) -> None:
    consumer, start = reader(asked)
    for count in asked.rounds():
        consumer.seek(start)
        read = seen = 0
        while read < count:
            for message in consumer.consume(laps.CHUNK, 1):
                seen += len(message.value())
                read += 1
        check(asked, seen, read)
    consumer.close()


WAYS = {
    "produce": produce,
    "produce-batch": produce_batch,
    "consume": consume,
    "consume-batches": consume_batches,
}

if __name__ == "__main__":
    main(WAYS)
