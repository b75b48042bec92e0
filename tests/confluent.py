"""librdkafka through confluent-kafka, as the tests use it: produce and wait, read a partition to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.samples import SECONDS, Sample

confluent_kafka = pytest.importorskip("confluent_kafka")
admin_api = pytest.importorskip("confluent_kafka.admin")

BEGINNING = -2
END = -1


def producer(bootstrap: str, **settings: Any) -> Any:
    return confluent_kafka.Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **dotted(settings)})


def consumer(bootstrap: str, **settings: Any) -> Any:
    base = {
        "bootstrap.servers": bootstrap,
        "group.id": "nobody",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "check.crcs": True,
    }
    return confluent_kafka.Consumer({**base, **dotted(settings)})


def topics_of(admin: Any) -> set[str]:
    """The topics somebody named: the node's own come into being whenever a consumer looks for its coordinator."""
    return {name for name in admin.list_topics(timeout=SECONDS).topics if not name.startswith("__")}


def dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """librdkafka's names: all with dots, but for one."""
    return {
        name if name == "log_level" else name.replace("_", "."): value for name, value in settings.items()
    }


def send(client: Any, topic: str, samples: Sequence[Sample], partition: int = 0) -> list[int]:
    """Produce and wait; the offsets each record was acknowledged with."""
    offsets: list[int] = []

    def acknowledged(error: Any, message: Any) -> None:
        assert error is None, error
        offsets.append(message.offset())

    for each in samples:
        client.produce(
            topic,
            key=each.key,
            value=each.value,
            headers=list(each.headers) or None,
            timestamp=each.timestamp,
            partition=partition,
            on_delivery=acknowledged,
        )
        client.poll(0)
    assert client.flush(SECONDS) == 0
    return offsets


def messages(client: Any, topic: str, offset: int = BEGINNING, partition: int = 0) -> Iterator[Any]:
    """All records of a partition from `offset` to its end."""
    client.assign([confluent_kafka.TopicPartition(topic, partition, offset)])
    while True:
        message = client.poll(SECONDS)
        assert message is not None, "nothing came"
        if message.error():
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            return
        yield message


def sample(message: Any) -> Sample:
    return Sample(message.key(), message.value(), tuple(message.headers() or ()), message.timestamp()[1])
