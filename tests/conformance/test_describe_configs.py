"""Every entry of DescribeConfigs is Kafka's: value, source, synonyms, type, flags, and whether there is a text.

Apache Kafka describes itself; we describe ourselves from the very same file and changes, and hold the two together.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ottla.broker.config.load import load
from ottla.broker.config.node_settings import NodeSettings
from ottla.core.model.settings import describe
from ottla.core.model.settings.describe import Entry
from ottla.core.model.settings.group_rules import group_values
from ottla.core.model.settings.table import ResourceType
from ottla.core.model.settings.topic_defaults import topic_values
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import create_topics, describe_configs, incremental_alter_configs
from tests.apache_kafka import start_kafka
from tests.nodes import Node

FILE = {
    "log.retention.ms": "86400000",
    "log.retention.hours": "24",
    "log.roll.hours": "1",
    "log.cleanup.policy": "compact , delete",
    "broker.rack": "r",
    "some.plugin.secret": "x",
    "listener.name.plaintext.connections.max.reauth.ms": "0",
}
CLUSTER = {"compression.type": "zstd", "leader.replication.throttled.rate": "7", "log.retention.ms": "5000"}
OWN = {"log.retention.ms": "6000", "log.cleaner.io.max.bytes.per.second": "1e7", "another.secret": "y"}
TOPIC = {"retention.ms": "7", "cleanup.policy": " compact , delete", "min.cleanable.dirty.ratio": "1"}
GROUP = {"consumer.session.timeout.ms": "50000", "share.isolation.level": "read_committed"}
METRICS = {"interval.ms": "1000", "metrics": "a,b"}
CHANGES = {
    (ResourceType.BROKER, ""): CLUSTER,
    (ResourceType.BROKER, "1"): OWN,
    (ResourceType.TOPIC, "t"): TOPIC,
    (ResourceType.GROUP, "g"): GROUP,
    (ResourceType.CLIENT_METRICS, "m"): METRICS,
}
ASKED = [*CHANGES, (ResourceType.TOPIC, "u"), (ResourceType.GROUP, "h"), (ResourceType.CLIENT_METRICS, "n")]


def call(port: int, key: ApiKey, version: int, request: Body, reply: type[Body]) -> Body:
    """One request on a connection of its own; flexible versions only."""
    body = struct.pack(">hhihB", key, version, 1, -1, 0) + encode(request, version)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as door, door.makefile("rb") as answer:
        door.sendall(struct.pack(">i", len(body)) + body)
        size = struct.unpack(">i", answer.read(4))[0]
        return decode(reply, answer.read(size), version, 5)


def change(port: int) -> None:
    topics = [
        create_topics.CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in "tu"
    ]
    call(
        port,
        ApiKey.CREATE_TOPICS,
        7,
        create_topics.CreateTopicsRequest(topics=topics, timeout_ms=10_000),
        create_topics.CreateTopicsResponse,
    )
    request = incremental_alter_configs.IncrementalAlterConfigsRequest(
        resources=[
            incremental_alter_configs.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    incremental_alter_configs.AlterableConfig(name=key, config_operation=0, value=value)
                    for key, value in configs.items()
                ],
            )
            for (kind, name), configs in CHANGES.items()
        ]
    )
    reply = call(
        port,
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        1,
        request,
        incremental_alter_configs.IncrementalAlterConfigsResponse,
    )
    assert [one.error_message for one in reply.responses if one.error_code] == []


Described = dict[tuple[int, str], dict[str, tuple[object, ...]]]


def described(port: int) -> Described:
    request = describe_configs.DescribeConfigsRequest(
        resources=[
            describe_configs.DescribeConfigsResource(
                resource_type=kind, resource_name=name, configuration_keys=None
            )
            for kind, name in ASKED
        ],
        include_synonyms=True,
        include_documentation=True,
    )
    reply = call(port, ApiKey.DESCRIBE_CONFIGS, 4, request, describe_configs.DescribeConfigsResponse)
    return {
        (result.resource_type, result.resource_name): {
            one.name: (
                one.value,
                one.config_source,
                one.read_only,
                one.is_sensitive,
                one.config_type,
                bool(one.documentation),
                tuple((synonym.name, synonym.value, synonym.source) for synonym in one.synonyms),
            )
            for one in result.configs
        }
        for result in reply.results
    }


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = start_kafka(Path(tmp_path_factory.mktemp("kafka")), properties=FILE)
    try:
        change(node.port)
        # Changes reach the broker with the metadata log, a little after they are answered.
        deadline = time.monotonic() + 10
        while described(node.port)[(ResourceType.BROKER, "1")]["log.retention.ms"][0] != "6000":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield node
        node.stop()
    finally:
        node.kill()


def our_entries(settings: NodeSettings, kind: ResourceType, name: str) -> list[Entry]:
    overrides = CHANGES.get((kind, name), {})
    if kind is ResourceType.TOPIC:
        values = topic_values(settings.topic_values, overrides)
        return describe.topic_entries(settings.layers, values, overrides)
    if kind is ResourceType.GROUP:
        return describe.group_entries(
            settings.layers, group_values(settings.group_values, overrides), overrides
        )
    if kind is ResourceType.CLIENT_METRICS:
        return describe.client_metrics_entries(overrides)
    if name:
        return describe.broker_entries(settings.layers, settings.values)
    return describe.cluster_entries(settings.layers)


@pytest.mark.parametrize(("kind", "name"), ASKED, ids=lambda value: getattr(value, "name", value or "all"))
def test_every_entry_is_kafkas(kafka: Node, kind: ResourceType, name: str) -> None:
    settings = load(str(kafka.config))
    # Kafka's format writes this one into every new cluster.
    settings.apply_dynamic({**CLUSTER, "min.insync.replicas": "1"}, OWN)
    ours = {
        entry.name: (
            entry.value,
            entry.source,
            entry.read_only,
            entry.sensitive,
            entry.kind,
            bool(entry.doc),
            tuple((synonym.name, synonym.value, synonym.source) for synonym in entry.synonyms),
        )
        for entry in our_entries(settings, kind, name)
    }
    theirs = described(kafka.port)[(kind, name)]
    assert ours.keys() == theirs.keys()
    assert {key: entry for key, entry in ours.items() if entry != theirs[key]} == {
        key: entry for key, entry in theirs.items() if entry != ours[key]
    }
