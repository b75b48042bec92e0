"""kafka-python: it sends one record a call, and has no columns."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.clients import laps
from benchmarks.clients.laps import Asked, check, main

PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": laps.LINGER_MS,
    "batch_size": laps.BATCH_BYTES,
}
CONSUMER: dict[str, Any] = {
    "fetch_max_bytes": laps.FETCH_BYTES,
    "max_partition_fetch_bytes": laps.PARTITION_BYTES,
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
}


def produce(asked: Asked) -> None:
    topic, value = asked.topic, asked.values[0]
    producer = KafkaProducer(bootstrap_servers=asked.bootstrap, **PRODUCER)
    for count in asked.rounds():
        for _ in range(count):
            producer.send(topic, value)
        producer.flush()
    producer.close()


def consume(asked: Asked) -> None:
    consumer = KafkaConsumer(bootstrap_servers=asked.bootstrap, **CONSUMER)
    partition = TopicPartition(asked.topic, 0)
    consumer.assign([partition])
    for count in asked.rounds():
        consumer.seek(partition, 0)
        read = seen = 0
        for record in consumer:
            seen += len(record.value)
            read += 1
            if read == count:
                break
        check(asked, seen, read)
    consumer.close()


def consume_batches(asked: Asked) -> None:
    consumer = KafkaConsumer(bootstrap_servers=asked.bootstrap, **CONSUMER)
    partition = TopicPartition(asked.topic, 0)
    consumer.assign([partition])
    for count in asked.rounds():
        consumer.seek(partition, 0)
        read = seen = 0
        while read < count:
            for records in consumer.poll(timeout_ms=1000, max_records=laps.CHUNK).values():
                for record in records:
                    seen += len(record.value)
                    read += 1
        check(asked, seen, read)
    consumer.close()


WAYS = {"produce": produce, "consume": consume, "consume-batches": consume_batches}

if __name__ == "__main__":
    main(WAYS)
