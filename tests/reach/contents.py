"""What a node holds, as any client can see it: written in many ways, read back as plain values to compare."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from tests.confluent import admin_api, confluent_kafka, consumer, messages, producer, send, topics_of
from tests.nodes import Node
from tests.samples import COMPRESSIONS, LARGE, SAMPLES, SECONDS, Sample

NOT_LEADER = confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION

Record = tuple[int, int, int, bytes | None, bytes | None, tuple[Any, ...]]
"""Offset, type of timestamp, timestamp, key, value, headers."""

TOPICS: dict[str, tuple[int, dict[str, str]]] = {
    "plain": (3, {}),
    "rolled": (1, {"segment.bytes": "1048576", "index.interval.bytes": "2048"}),
    "compacted": (1, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.9"}),
    "stamped": (1, {"message.timestamp.type": "LogAppendTime"}),
    "squeezed": (1, {"compression.type": "zstd"}),
    "trimmed": (1, {"retention.ms": "-1"}),
    "with.dots_and-dashes": (2, {"cleanup.policy": "compact,delete", "max.message.bytes": "2000000"}),
    "empty": (2, {}),
}


@dataclass
class Topic:
    id: str
    configs: dict[str, str]
    ranges: list[tuple[int, int]]
    """First and next offset of each partition."""
    records: list[list[Record]]


@dataclass
class Contents:
    topics: dict[str, Topic]
    broker_configs: dict[str, str]
    scram_users: list[str] = field(default_factory=list)


def admin(node: Node) -> Any:
    return admin_api.AdminClient({"bootstrap.servers": node.bootstrap})


def found(node: Node) -> None:
    """Create every topic, a topic that is deleted again, a changed broker config and a SCRAM user."""
    client = admin(node)
    new = [admin_api.NewTopic(name, count, 1, config=configs) for name, (count, configs) in TOPICS.items()]
    for each in client.create_topics([*new, admin_api.NewTopic("short-lived", 1, 1)]).values():
        each.result(SECONDS)
    send(producer(node.bootstrap), "short-lived", SAMPLES)
    client.delete_topics(["short-lived"])["short-lived"].result(SECONDS)
    for kind, name, key, value in (
        ("TOPIC", "plain", "retention.bytes", "123456789"),
        ("BROKER", "1", "log.cleaner.io.buffer.load.factor", "0.8"),
    ):
        entry = admin_api.ConfigEntry(key, value, incremental_operation=admin_api.AlterConfigOpType.SET)
        resource = admin_api.ConfigResource(admin_api.ResourceType[kind], name, incremental_configs=[entry])
        client.incremental_alter_configs([resource])[resource].result(SECONDS)
    info = admin_api.ScramCredentialInfo(admin_api.ScramMechanism.SCRAM_SHA_512, 4096)
    user = admin_api.UserScramCredentialUpsertion("alice", info, b"secret")
    client.alter_user_scram_credentials([user])["alice"].result(SECONDS)


def write(node: Node) -> None:
    """Add to every topic but the empty one: all codecs, idempotent and not, small records and large."""
    for index, codec in enumerate(COMPRESSIONS):
        for idempotent in (False, True):
            client = producer(node.bootstrap, compression_type=codec, enable_idempotence=idempotent)
            for name, (count, _) in TOPICS.items():
                if name != "empty":
                    samples = [
                        each
                        for each in SAMPLES
                        if each.key is not None or "compact" not in topic_policy(name)
                    ]
                    send(client, name, samples, index % count)
    send(producer(node.bootstrap, message_max_bytes=1_048_000), "plain", [LARGE] * 3)
    bulk = [Sample(b"%d" % number, b"." * 1000, (), 1_700_001_000_000 + number) for number in range(3000)]
    send(producer(node.bootstrap, batch_num_messages=50), "rolled", bulk)


def topic_policy(name: str) -> str:
    return TOPICS[name][1].get("cleanup.policy", "delete")


def trim(node: Node, offset: int) -> None:
    """Delete the records of the trimmed topic before `offset`."""
    client = admin(node)
    asked = confluent_kafka.TopicPartition("trimmed", 0, offset)
    client.delete_records([asked])[asked].result(SECONDS)


def contents(node: Node) -> Contents:
    """Everything a client can see."""
    client = admin(node)
    names = sorted(topics_of(client))
    described = client.describe_topics(confluent_kafka.TopicCollection(names))
    reader = consumer(node.bootstrap, fetch_wait_max_ms=20)
    topics = {}
    for name in names:
        topic = described[name].result(SECONDS)
        partitions = range(len(topic.partitions))
        topics[name] = Topic(
            id=str(topic.topic_id),
            configs=overridden(client, "TOPIC", name),
            ranges=[offset_range(reader, name, each) for each in partitions],
            records=[[record(each) for each in messages(reader, name, partition=n)] for n in partitions],
        )
    reader.close()
    users = client.describe_user_scram_credentials().result(SECONDS)
    return Contents(topics, overridden(client, "BROKER", "1"), sorted(users))


def offset_range(reader: Any, topic: str, partition: int) -> tuple[int, int]:
    """First and next offset; asked again while a node that has just started takes up its leaderships."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            found: tuple[int, int] = reader.get_watermark_offsets(
                confluent_kafka.TopicPartition(topic, partition), SECONDS
            )
        except confluent_kafka.KafkaException as error:
            if error.args[0].code() != NOT_LEADER or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return found


def overridden(client: Any, kind: str, name: str) -> dict[str, str]:
    """The configs set dynamically on one resource."""
    resource = admin_api.ConfigResource(admin_api.ResourceType[kind], name)
    dynamic = (
        admin_api.ConfigSource.DYNAMIC_TOPIC_CONFIG.value,
        admin_api.ConfigSource.DYNAMIC_BROKER_CONFIG.value,
        admin_api.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG.value,
    )
    entries = client.describe_configs([resource])[resource].result(SECONDS)
    return {key: entry.value for key, entry in entries.items() if entry.source in dynamic}


def record(message: Any) -> Record:
    kind, timestamp = message.timestamp()
    headers = tuple(message.headers() or ())
    return message.offset(), kind, timestamp, message.key(), message.value(), headers
