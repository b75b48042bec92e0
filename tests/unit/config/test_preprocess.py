"""What a broker says about changes of configs before the controller sees them."""

from __future__ import annotations

import logging

import pytest

from ottla.broker.config.load import from_properties
from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.config.preprocess import Configs, preprocess_incremental, preprocess_legacy
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.alter import DELETE, SET
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages import alter_configs as legacy
from ottla.core.wire.messages import incremental_alter_configs as incremental
from tests.unit.config.test_node_settings import NODE

BROKER, TOPIC, LOGGER = ResourceType.BROKER, ResourceType.TOPIC, ResourceType.BROKER_LOGGER


@pytest.fixture
def settings() -> NodeSettings:
    return from_properties(NODE)


def request(*resources: incremental.AlterConfigsResource) -> incremental.IncrementalAlterConfigsRequest:
    return incremental.IncrementalAlterConfigsRequest(resources=list(resources))


def resource(
    kind: ResourceType, name: str, *changes: tuple[str, int, str | None]
) -> incremental.AlterConfigsResource:
    return incremental.AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[
            incremental.AlterableConfig(name=key, config_operation=operation, value=value)
            for key, operation, value in changes
        ],
    )


def test_each_resource_is_judged_for_itself(settings: NodeSettings) -> None:
    asked = request(
        resource(BROKER, "1", ("max.connections", SET, "5")),
        resource(BROKER, "", ("max.connections", SET, "-5")),
        resource(TOPIC, "t", ("retention.ms", SET, "nonsense is the controller's to find")),
        resource(TOPIC, "u", ("retention.ms", SET, None)),
    )
    settled = preprocess_incremental(settings, Configs({}, {}), asked)
    assert sorted(settled) == [1, 3]
    assert all(error is not None and error.code is ErrorCode.INVALID_REQUEST for error in settled.values())


def test_a_resource_named_twice_is_refused_both_times(settings: NodeSettings) -> None:
    twice = resource(TOPIC, "t", ("retention.ms", SET, "1"))
    settled = preprocess_incremental(settings, Configs({}, {}), request(twice, twice))
    assert [error.text for error in settled.values() if error] == [
        "Each resource must appear at most once."
    ] * 2


def test_a_change_is_judged_together_with_what_is_set_already(settings: NodeSettings) -> None:
    asked = request(resource(BROKER, "1", ("max.connections.per.ip", SET, "0")))
    assert preprocess_incremental(settings, Configs({}, {}), asked)
    held = Configs({"max.connections.per.ip.overrides": "127.0.0.1:5"}, {})
    assert preprocess_incremental(settings, held, asked) == {}
    gone = request(resource(BROKER, "", ("max.connections.per.ip.overrides", DELETE, None)))
    assert preprocess_incremental(settings, Configs(held.cluster, {"max.connections.per.ip": "0"}), gone)


def test_log_levels_are_changed_here_and_now(settings: NodeSettings) -> None:
    logger = logging.getLogger("ottla.test_of_preprocess")
    asked = request(resource(LOGGER, "1", (logger.name, SET, "DEBUG")))
    asked.validate_only = True
    assert preprocess_incremental(settings, Configs({}, {}), asked) == {0: None}
    assert logger.level == logging.NOTSET
    asked.validate_only = False
    assert preprocess_incremental(settings, Configs({}, {}), asked) == {0: None}
    assert logger.level == logging.DEBUG
    logger.setLevel(logging.NOTSET)


def test_thread_counts_change_step_by_step(settings: NodeSettings) -> None:
    for value, fits in (("16", True), ("17", False), ("4", True), ("3", False)):
        asked = request(resource(BROKER, "1", ("num.io.threads", SET, value)))
        assert (preprocess_incremental(settings, Configs({}, {}), asked) == {}) is fits


def test_a_running_broker_always_lets_somebody_connect(settings: NodeSettings) -> None:
    asked = request(resource(BROKER, "1", ("max.connection.creation.rate", SET, "0")))
    (error,) = preprocess_incremental(settings, Configs({}, {}), asked).values()
    assert error is not None
    assert error.code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("key", ["listeners", "listener.name.plaintext.ssl.keystore.location"])
def test_what_is_not_built_is_refused_rather_than_ignored(settings: NodeSettings, key: str) -> None:
    asked = request(resource(BROKER, "1", (key, SET, "PLAINTEXT://:1,CONTROLLER://:2")))
    (error,) = preprocess_incremental(settings, Configs({}, {}), asked).values()
    assert error is not None
    assert key in error.text


@pytest.mark.parametrize(
    ("kind", "name", "configs", "why"),
    [
        (BROKER, "1", {"num.partitions": "1"}, "Cannot update these configs dynamically: [num.partitions]"),
        (BROKER, "2", {"max.connections": "1"}, "Unexpected broker id, expected 1, but received 2"),
        (TOPIC, "t", {"retention.ms": None}, "Null value not supported for : retention.ms"),
        (LOGGER, "1", {"root": "INFO"}, "Unknown resource type 8"),
    ],
)
def test_the_older_request_is_judged_the_same_way(
    settings: NodeSettings, kind: ResourceType, name: str, configs: dict[str, str | None], why: str
) -> None:
    asked = legacy.AlterConfigsRequest(
        resources=[
            legacy.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[legacy.AlterableConfig(name=key, value=value) for key, value in configs.items()],
            )
        ]
    )
    (error,) = preprocess_legacy(settings, Configs({}, {}), asked).values()
    assert error is not None
    assert error.text == why
