from __future__ import annotations

import pytest

from ottla.core.metadata.configs import APPEND, DELETE, SET, SUBTRACT
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages import alter_configs, incremental_alter_configs
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tests.unit.metadata.cluster import Cluster

TOPIC, BROKER = int(ResourceType.TOPIC), int(ResourceType.BROKER)


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(brokers=1)
    cluster.ask(
        CreateTopicsRequest(topics=[CreatableTopic(name="t", num_partitions=1, replication_factor=1)])
    )
    return cluster


def change(
    cluster: Cluster, kind: int, name: str, *ops: tuple[str, int, str | None], validate: bool = False
) -> tuple[int, str | None]:
    configs = [
        incremental_alter_configs.AlterableConfig(name=key, config_operation=op, value=value)
        for key, op, value in ops
    ]
    resource = incremental_alter_configs.AlterConfigsResource(
        resource_type=kind, resource_name=name, configs=configs
    )
    request = incremental_alter_configs.IncrementalAlterConfigsRequest(
        resources=[resource], validate_only=validate
    )
    (answer,) = cluster.ask(request).responses
    return answer.error_code, answer.error_message


def replace(cluster: Cluster, kind: int, name: str, **configs: str) -> tuple[int, str | None]:
    entries = [
        alter_configs.AlterableConfig(name=key.replace("_", "."), value=value)
        for key, value in configs.items()
    ]
    resource = alter_configs.AlterConfigsResource(resource_type=kind, resource_name=name, configs=entries)
    (answer,) = cluster.ask(alter_configs.AlterConfigsRequest(resources=[resource])).responses
    return answer.error_code, answer.error_message


def test_set_append_subtract_delete(cluster: Cluster) -> None:
    assert change(cluster, TOPIC, "t", ("retention.ms", SET, "5")) == (0, None)
    assert change(cluster, TOPIC, "t", ("cleanup.policy", APPEND, "compact,delete")) == (0, None)
    assert cluster.image.config(TOPIC, "t") == {"retention.ms": "5", "cleanup.policy": "delete,compact"}
    assert change(cluster, TOPIC, "t", ("cleanup.policy", SUBTRACT, "delete")) == (0, None)
    assert change(cluster, TOPIC, "t", ("retention.ms", DELETE, None)) == (0, None)
    assert cluster.image.config(TOPIC, "t") == {"cleanup.policy": "compact"}


def test_the_old_way_replaces_everything(cluster: Cluster) -> None:
    change(cluster, TOPIC, "t", ("retention.ms", SET, "5"))
    assert replace(cluster, TOPIC, "t", cleanup_policy="compact") == (0, None)
    assert cluster.image.config(TOPIC, "t") == {"cleanup.policy": "compact"}


def test_an_unchanged_topic_config_writes_nothing_but_a_broker_config_does(cluster: Cluster) -> None:
    for kind, name in ((TOPIC, "t"), (BROKER, "")):
        change(cluster, kind, name, ("retention.ms", SET, "5"))
        change(cluster, kind, name, ("retention.ms", SET, "5"))
        assert len(cluster.written) == (kind == BROKER)


def test_validating_writes_nothing(cluster: Cluster) -> None:
    assert change(cluster, TOPIC, "t", ("retention.ms", SET, "5"), validate=True) == (0, None)
    assert cluster.written == []


@pytest.mark.parametrize(
    ("kind", "name", "op", "code", "text"),
    [
        (TOPIC, "t", ("retention.ms", SET, "x"), ErrorCode.INVALID_CONFIG, "retention.ms is not a number"),
        (
            TOPIC,
            "t",
            ("retention.ms", APPEND, "1"),
            ErrorCode.INVALID_CONFIG,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (
            TOPIC,
            "no",
            ("a", SET, "1"),
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            "The topic 'no' does not exist.",
        ),
        (BROKER, "7", ("a", SET, "1"), ErrorCode.BROKER_ID_NOT_REGISTERED, "No node with id 7 found."),
        (BROKER, "x", ("a", SET, "1"), ErrorCode.INVALID_REQUEST, "Invalid broker name x"),
        (3, "x", ("a", SET, "1"), ErrorCode.UNSUPPORTED_VERSION, "Unknown resource type 3."),
        (TOPIC, "t", ("a", 9, "1"), ErrorCode.INVALID_REQUEST, "Unknown config operation."),
        (
            BROKER,
            "1",
            ("min.insync.replicas", SET, "1"),
            ErrorCode.INVALID_CONFIG,
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        ),
        (
            BROKER,
            "",
            ("min.insync.replicas", DELETE, None),
            ErrorCode.INVALID_CONFIG,
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        ),
        (
            TOPIC,
            "t",
            ("a", SET, "x" * 32_768),
            ErrorCode.INVALID_CONFIG,
            "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.",
        ),
    ],
)
def test_refusals(
    cluster: Cluster, kind: int, name: str, op: tuple[str, int, str | None], code: ErrorCode, text: str
) -> None:
    assert change(cluster, kind, name, op) == (code, text)
    assert cluster.written == []


def test_a_new_min_isr_clears_the_eligible_replicas_of_its_topics(cluster: Cluster) -> None:
    cluster.heartbeat(1, stop=True)
    assert cluster.image.topics_by_name["t"].partitions[0].elr == [1]
    change(cluster, TOPIC, "t", ("min.insync.replicas", SET, "2"))
    assert [type(record).__name__ for record in cluster.written] == ["ConfigRecord", "ClearElrRecord"]
    assert cluster.image.topics_by_name["t"].partitions[0].elr == []


def test_a_resource_named_twice_is_left_alone(cluster: Cluster) -> None:
    resource = alter_configs.AlterConfigsResource(
        resource_type=TOPIC,
        resource_name="t",
        configs=[alter_configs.AlterableConfig(name="retention.ms", value="5")],
    )
    reply = cluster.ask(alter_configs.AlterConfigsRequest(resources=[resource, resource]))
    assert [answer.error_message for answer in reply.responses] == ["Duplicate resource."]
    assert cluster.written == []
