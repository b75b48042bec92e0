"""The handlers of AlterConfigs and IncrementalAlterConfigs: what is decided here and what by the controller."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ottla.broker.apis import alter_configs, incremental_alter_configs
from ottla.broker.authorizer import AllowAll
from ottla.broker.config.load import from_properties
from ottla.core.metadata.image import MetadataImage
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.alter import SET
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import ListenerRole
from ottla.core.wire.messages import alter_configs as legacy
from ottla.core.wire.messages import incremental_alter_configs as incremental
from tests.unit.config.test_node_settings import NODE
from tests.unit.config.test_preprocess import resource

BROKER, TOPIC, LOGGER = ResourceType.BROKER, ResourceType.TOPIC, ResourceType.BROKER_LOGGER


class Nobody(AllowAll):
    def allows(self, context: Any, operation: Any, resource: Any, name: str) -> bool:
        return False


class Controller:
    """Refuses the topic `bad`, forgets the topic `lost`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def request(self, context: Any, key: ApiKey, request: Any) -> Any:
        module: Any = incremental if key is ApiKey.INCREMENTAL_ALTER_CONFIGS else legacy
        self.asked = [one.resource_name for one in request.resources]
        response = (
            module.IncrementalAlterConfigsResponse if module is incremental else module.AlterConfigsResponse
        )
        return response(
            responses=[
                module.AlterConfigsResourceResponse(
                    error_code=ErrorCode.INVALID_CONFIG if one.resource_name == "bad" else ErrorCode.NONE,
                    error_message="no" if one.resource_name == "bad" else None,
                    resource_type=one.resource_type,
                    resource_name=one.resource_name,
                )
                for one in request.resources
                if one.resource_name != "lost"
            ]
        )


def context(role: ListenerRole = ListenerRole.BROKER) -> Any:
    return SimpleNamespace(caller=SimpleNamespace(role=role))


@pytest.fixture
def services() -> Any:
    return SimpleNamespace(
        image=MetadataImage(),
        settings=from_properties(NODE),
        node_id=1,
        authorizer=AllowAll(),
        controller=Controller(),
    )


def test_each_answer_stands_where_its_question_stood(services: Any) -> None:
    request = incremental.IncrementalAlterConfigsRequest(
        resources=[
            resource(TOPIC, "bad", ("retention.ms", SET, "1")),
            resource(BROKER, "1", ("num.partitions", SET, "1")),
            resource(LOGGER, "1", ("root", SET, "WARN")),
            resource(TOPIC, "good", ("retention.ms", SET, "1")),
            resource(TOPIC, "lost", ("retention.ms", SET, "1")),
        ],
        validate_only=True,
    )
    reply = asyncio.run(incremental_alter_configs.handle(services, context(), request))
    assert services.controller.asked == ["bad", "good", "lost"]
    assert [(one.resource_name, one.error_code) for one in reply.responses] == [
        ("bad", ErrorCode.INVALID_CONFIG),
        ("1", ErrorCode.INVALID_REQUEST),
        ("1", ErrorCode.NONE),
        ("good", ErrorCode.NONE),
        ("lost", ErrorCode.UNKNOWN_SERVER_ERROR),
    ]


def test_the_controller_is_not_asked_when_all_is_decided(services: Any) -> None:
    services.authorizer = Nobody()
    request = incremental.IncrementalAlterConfigsRequest(
        resources=[resource(LOGGER, "1", ("root", SET, "WARN"))]
    )
    reply = asyncio.run(incremental_alter_configs.handle(services, context(), request))
    assert services.controller.asked == []
    assert [one.error_code for one in reply.responses] == [ErrorCode.CLUSTER_AUTHORIZATION_FAILED]


def test_on_a_controller_listener_the_controller_judges_all_but_log_levels(services: Any) -> None:
    request = incremental.IncrementalAlterConfigsRequest(
        resources=[
            resource(BROKER, "2", ("num.partitions", SET, "1")),
            resource(LOGGER, "1", ("no.such", SET, "WARN")),
        ]
    )
    reply = asyncio.run(incremental_alter_configs.handle(services, context(ListenerRole.CONTROLLER), request))
    assert services.controller.asked == ["2"]
    assert [one.error_code for one in reply.responses] == [ErrorCode.NONE, ErrorCode.INVALID_CONFIG]


def test_the_older_request_is_divided_the_same_way(services: Any) -> None:
    request = legacy.AlterConfigsRequest(
        resources=[
            legacy.AlterConfigsResource(resource_type=kind, resource_name=name, configs=[])
            for kind, name in ((BROKER, "2"), (TOPIC, "good"), (TOPIC, "bad"), (TOPIC, "lost"))
        ]
    )
    reply = asyncio.run(alter_configs.handle(services, context(), request))
    assert [one.error_code for one in reply.responses] == [
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NONE,
        ErrorCode.INVALID_CONFIG,
        ErrorCode.UNKNOWN_SERVER_ERROR,
    ]
