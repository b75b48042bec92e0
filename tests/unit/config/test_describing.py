"""The handlers of DescribeConfigs and ListConfigResources."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ottla.broker.apis import describe_configs, list_config_resources
from ottla.broker.authorizer import AllowAll
from ottla.broker.config.load import from_properties
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.nouns import TopicImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.describe import Source
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResult,
)
from ottla.core.wire.messages.list_config_resources import ListConfigResourcesRequest
from tests.unit.config.test_node_settings import NODE


class Deny(AllowAll):
    def allows(self, context: Any, operation: Any, resource: Any, name: str) -> bool:
        return name == "open"


@pytest.fixture
def services() -> Any:
    image = MetadataImage()
    image.topics_by_name["t"] = TopicImage("t", bytes(16))
    image.configs[(ResourceType.TOPIC, "t")] = {"retention.ms": "7"}
    image.configs[(ResourceType.GROUP, "g")] = {"share.isolation.level": "read_committed"}
    image.configs[(ResourceType.CLIENT_METRICS, "m")] = {"interval.ms": "1000"}
    return SimpleNamespace(image=image, settings=from_properties(NODE), node_id=1, authorizer=AllowAll())


def ask(
    services: Any, *resources: tuple[int, str], keys: list[str] | None = None
) -> list[DescribeConfigsResult]:
    request = DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
            for kind, name in resources
        ]
    )
    return describe_configs.handle(services, SimpleNamespace(version=4), request).results  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name", "count", "key", "value", "source"),
    [
        (ResourceType.BROKER, "1", 340, "log.dirs", "/a,/b", Source.STATIC_BROKER),
        (ResourceType.TOPIC, "t", 33, "retention.ms", "7", Source.TOPIC),
        (ResourceType.GROUP, "g", 17, "share.isolation.level", "read_committed", Source.GROUP),
        (ResourceType.CLIENT_METRICS, "m", 3, "interval.ms", "1000", Source.CLIENT_METRICS),
        (ResourceType.CLIENT_METRICS, "never heard of", 3, "interval.ms", "300000", Source.DEFAULT),
    ],
)
def test_a_resource_is_described(
    services: Any, kind: int, name: str, count: int, key: str, value: str, source: Source
) -> None:
    (result,) = ask(services, (kind, name))
    assert len(result.configs) == count
    (found,) = (config for config in result.configs if config.name == key)
    assert (found.value, found.config_source, found.synonyms, found.documentation) == (
        value,
        source,
        [],
        None,
    )


@pytest.mark.parametrize(
    ("kind", "name", "error", "message"),
    [
        (ResourceType.TOPIC, "nope", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ""),
        (
            ResourceType.TOPIC,
            "",
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            "Topic name is invalid: the empty string is not allowed",
        ),
        (
            ResourceType.BROKER,
            "2",
            ErrorCode.INVALID_REQUEST,
            "Unexpected broker id, expected 1 or empty string, but received 2",
        ),
        (ResourceType.BROKER, "x", ErrorCode.INVALID_REQUEST, "Broker id must be an integer, but it is: x"),
        (ResourceType.BROKER_LOGGER, "", ErrorCode.INVALID_REQUEST, "Broker id must not be empty"),
        (ResourceType.GROUP, "", ErrorCode.INVALID_REQUEST, "Group name must not be empty"),
        (
            ResourceType.CLIENT_METRICS,
            "",
            ErrorCode.INVALID_REQUEST,
            "Client metrics subscription name must not be empty",
        ),
    ],
)
def test_what_cannot_be_described_gets_kafkas_error(
    services: Any, kind: int, name: str, error: ErrorCode, message: str
) -> None:
    (result,) = ask(services, (kind, name))
    assert (result.error_code, result.error_message, result.configs) == (error, message, [])


def test_only_the_keys_asked_for(services: Any) -> None:
    (result,) = ask(services, (ResourceType.TOPIC, "t"), keys=["cleanup.policy", "no.such.key"])
    assert [config.name for config in result.configs] == ["cleanup.policy"]


def test_loggers_are_described(services: Any) -> None:
    (result,) = ask(services, (ResourceType.BROKER_LOGGER, "1"))
    assert "root" in {config.name for config in result.configs}


def test_what_is_not_allowed_comes_last(services: Any) -> None:
    services.authorizer = Deny()
    services.image.topics_by_name["open"] = TopicImage("open", bytes(16))
    results = ask(
        services, (ResourceType.BROKER, "1"), (ResourceType.TOPIC, "t"), (ResourceType.TOPIC, "open")
    )
    assert [(result.resource_name, result.error_code) for result in results] == [
        ("open", ErrorCode.NONE),
        ("1", ErrorCode.CLUSTER_AUTHORIZATION_FAILED),
        ("t", ErrorCode.TOPIC_AUTHORIZATION_FAILED),
    ]


def test_a_type_nobody_knows_fails_the_request(services: Any) -> None:
    with pytest.raises(KafkaError, match="Unexpected resource type 64"):
        ask(services, (64, "x"))


def test_resources_are_listed_by_type(services: Any) -> None:
    def listed(version: int, *kinds: int) -> list[tuple[int, str]]:
        request = ListConfigResourcesRequest(resource_types=list(kinds))
        context: Any = SimpleNamespace(version=version)
        reply = list_config_resources.handle(services, context, request)
        return [(one.resource_type, one.resource_name) for one in reply.config_resources]

    assert listed(0) == [(ResourceType.CLIENT_METRICS, "m")]
    assert listed(1) == [
        (ResourceType.GROUP, "g"),
        (ResourceType.CLIENT_METRICS, "m"),
        (ResourceType.TOPIC, "t"),
    ]
    assert listed(1, ResourceType.TOPIC) == [(ResourceType.TOPIC, "t")]
    with pytest.raises(KafkaError) as raised:
        listed(0, ResourceType.TOPIC)
    assert raised.value.code is ErrorCode.UNSUPPORTED_VERSION
