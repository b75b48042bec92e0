"""DescribeCluster (key 60): the cluster's id, its nodes and who controls it.

Versions: 1 the kind of endpoints asked for (1 brokers, 2 controllers; KIP-919); 2 fenced brokers on demand.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.authorizer import CLUSTER_NAME, CLUSTER_OPERATIONS, authorized_operations
from ottla.broker.context import Context
from ottla.broker.endpoints import Node, brokers
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from ottla.core.wire.permissions import ResourceType

BROKERS: Final = 1
CONTROLLERS: Final = 2


def refusal(context: Context, asked: int, served: int) -> DescribeClusterResponse | None:
    """What a listener of one kind answers to questions about the other."""
    if asked == served:
        return None
    if asked not in (BROKERS, CONTROLLERS):
        code, message = ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, f"Unsupported endpoint type {asked}"
    else:
        code = ErrorCode.MISMATCHED_ENDPOINT_TYPE
        kinds = {BROKERS: "BROKER", CONTROLLERS: "CONTROLLER"}
        message = (
            f"The request was sent to an endpoint of type {kinds[served]}, "
            f"but we wanted an endpoint of type {kinds[asked]}"
        )
    if context.version == 0:
        code = ErrorCode.INVALID_REQUEST
    return DescribeClusterResponse(error_code=code, error_message=message)


def handle(services: Services, context: Context, request: DescribeClusterRequest) -> DescribeClusterResponse:
    refused = refusal(context, request.endpoint_type, BROKERS)
    if refused is not None:
        return refused
    nodes = list(brokers(services, context, fenced=request.include_fenced_brokers))
    alive = [node for node in nodes if not node.fenced]
    response = DescribeClusterResponse(
        cluster_id=services.cluster_id,
        controller_id=alive[services.chance.below(len(alive))].id if alive else -1,
        brokers=[_node(context, node) for node in nodes],
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_operations(
            services.authorizer, context, ResourceType.CLUSTER, CLUSTER_NAME, CLUSTER_OPERATIONS
        )
    return response


def _node(context: Context, node: Node) -> DescribeClusterBroker:
    described = DescribeClusterBroker(broker_id=node.id, host=node.host, port=node.port, rack=node.rack)
    if context.version >= 2:
        described.is_fenced = node.fenced
    return described
