"""ListConfigResources (KIP-1142): which topics, brokers, groups and subscriptions there are to describe.

Version 0 was called ListClientMetricsResources and knows nothing else.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.metadata.image import MetadataImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire import permissions
from ottla.core.wire.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)
from ottla.core.wire.permissions import Operation

_ORDER: Final = (
    ResourceType.GROUP,
    ResourceType.CLIENT_METRICS,
    ResourceType.BROKER_LOGGER,
    ResourceType.BROKER,
    ResourceType.TOPIC,
)


def handle(
    services: Services, context: Context, request: ListConfigResourcesRequest
) -> ListConfigResourcesResponse:
    """Raises KafkaError(CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION)."""
    cluster = permissions.ResourceType.CLUSTER
    if not services.authorizer.allows(context, Operation.DESCRIBE_CONFIGS, cluster, CLUSTER_NAME):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    known = _ORDER if context.version > 0 else (ResourceType.CLIENT_METRICS,)
    wanted = frozenset(request.resource_types or known)
    if not wanted.issubset(known):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    return ListConfigResourcesResponse(
        config_resources=[
            ConfigResource(resource_name=name, resource_type=kind)
            for kind in _ORDER
            if kind in wanted
            for name in _names(services.image, kind)
        ]
    )


def _names(image: MetadataImage, kind: ResourceType) -> list[str]:
    if kind is ResourceType.TOPIC:
        return list(image.topics_by_name)
    if kind in (ResourceType.BROKER, ResourceType.BROKER_LOGGER):
        return [str(broker.id) for broker in image.active_brokers()]
    return [name for held, name in image.configs if held == kind]
