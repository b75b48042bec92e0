"""DescribeConfigs: what is set for topics, brokers, groups, client metrics and loggers, and where it comes from.

A broker describes itself and what holds for all brokers; for another broker one has to ask that broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.config.loggers import levels
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings import describe
from ottla.core.model.settings.alter import invalid_request
from ottla.core.model.settings.describe import Entry, Source
from ottla.core.model.settings.group_rules import group_values
from ottla.core.model.settings.kinds import Kind
from ottla.core.model.settings.table import ResourceType
from ottla.core.model.settings.topic_defaults import topic_values
from ottla.core.wire import permissions
from ottla.core.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from ottla.core.wire.permissions import Operation


def handle(services: Services, context: Context, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    """Answers what is allowed first, then what is not, as Kafka does."""
    allowed: list[DescribeConfigsResult] = []
    denied: list[DescribeConfigsResult] = []
    for resource in request.resources:
        error = _permission(services, context, resource)
        if error is not None:
            denied.append(_failed(resource, error, error.sentence))
            continue
        try:
            entries = _describe(services, resource)
        except KafkaError as failure:
            allowed.append(_failed(resource, failure.code, failure.message))
            continue
        allowed.append(
            DescribeConfigsResult(
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
                configs=[
                    _result(entry, request.include_synonyms, request.include_documentation)
                    for entry in entries
                ],
            )
        )
    return DescribeConfigsResponse(results=[*allowed, *denied])


def _failed(
    resource: DescribeConfigsResource, error: ErrorCode, message: str | None
) -> DescribeConfigsResult:
    return DescribeConfigsResult(
        error_code=error,
        error_message="" if message is None else message,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )


def _permission(services: Services, context: Context, resource: DescribeConfigsResource) -> ErrorCode | None:
    """Why the caller may not see this resource; None when it may. Raises KafkaError for a type nobody knows."""
    needed = _PERMISSIONS.get(resource.resource_type)
    if needed is None:
        raise invalid_request(
            f"Unexpected resource type {resource.resource_type} for resource {resource.resource_name}"
        )
    kind, error = needed
    name = CLUSTER_NAME if kind is permissions.ResourceType.CLUSTER else resource.resource_name
    return None if services.authorizer.allows(context, Operation.DESCRIBE_CONFIGS, kind, name) else error


_ON_CLUSTER: Final = (permissions.ResourceType.CLUSTER, ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
_PERMISSIONS: Final[dict[int, tuple[permissions.ResourceType, ErrorCode]]] = {
    ResourceType.TOPIC: (permissions.ResourceType.TOPIC, ErrorCode.TOPIC_AUTHORIZATION_FAILED),
    ResourceType.GROUP: (permissions.ResourceType.GROUP, ErrorCode.GROUP_AUTHORIZATION_FAILED),
    ResourceType.BROKER: _ON_CLUSTER,
    ResourceType.BROKER_LOGGER: _ON_CLUSTER,
    ResourceType.CLIENT_METRICS: _ON_CLUSTER,
}


def _describe(services: Services, resource: DescribeConfigsResource) -> list[Entry]:
    describer = _DESCRIBERS[resource.resource_type]
    return describer(services, resource.resource_name, resource.configuration_keys)


def _topic(services: Services, name: str, wanted: Iterable[str] | None) -> list[Entry]:
    check_topic_name(name)
    if name not in services.image.topics_by_name:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    settings = services.settings
    overrides = services.image.config(ResourceType.TOPIC, name)
    values = topic_values(settings.topic_values, overrides)
    return describe.topic_entries(settings.layers, values, overrides, wanted)


def _broker(services: Services, name: str, wanted: Iterable[str] | None) -> list[Entry]:
    settings = services.settings
    if not name:
        return describe.cluster_entries(settings.layers, wanted)
    if _broker_id(name) != settings.node_id:
        raise invalid_request(
            f"Unexpected broker id, expected {settings.node_id} or empty string, but received {name}"
        )
    return describe.broker_entries(settings.layers, settings.values, wanted)


def _loggers(services: Services, name: str, wanted: Iterable[str] | None) -> list[Entry]:
    if not name:
        raise invalid_request("Broker id must not be empty")
    if _broker_id(name) != services.node_id:
        raise invalid_request(f"Unexpected broker id, expected {services.node_id} but received {name}")
    chosen = frozenset(wanted or ())
    source = Source.DYNAMIC_BROKER_LOGGER
    return [
        Entry(logger, level, source, read_only=False, sensitive=False, kind=Kind.UNKNOWN, doc="", synonyms=())
        for logger, level in levels().items()
        if not chosen or logger in chosen
    ]


def _broker_id(name: str) -> int:
    try:
        return int(name)
    except ValueError:
        raise invalid_request(f"Broker id must be an integer, but it is: {name}") from None


def _client_metrics(services: Services, name: str, wanted: Iterable[str] | None) -> list[Entry]:
    if not name:
        raise invalid_request("Client metrics subscription name must not be empty")
    return describe.client_metrics_entries(services.image.config(ResourceType.CLIENT_METRICS, name), wanted)


def _group(services: Services, name: str, wanted: Iterable[str] | None) -> list[Entry]:
    if not name:
        raise invalid_request("Group name must not be empty")
    settings = services.settings
    overrides = services.image.config(ResourceType.GROUP, name)
    values = group_values(settings.group_values, overrides)
    return describe.group_entries(settings.layers, values, overrides, wanted)


_DESCRIBERS: Final[dict[int, Callable[[Services, str, Iterable[str] | None], list[Entry]]]] = {
    ResourceType.TOPIC: _topic,
    ResourceType.BROKER: _broker,
    ResourceType.BROKER_LOGGER: _loggers,
    ResourceType.CLIENT_METRICS: _client_metrics,
    ResourceType.GROUP: _group,
}


def _result(entry: Entry, synonyms: bool, documentation: bool) -> DescribeConfigsResourceResult:
    result = DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        config_type=entry.kind,
        # Only loggers have a text (an empty one) that nobody asked for.
        documentation=entry.doc if documentation or entry.doc == "" else None,
    )
    if synonyms:
        result.synonyms = [
            DescribeConfigsSynonym(name=one.name, value=one.value, source=one.source)
            for one in entry.synonyms
        ]
    return result
