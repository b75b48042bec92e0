"""DescribeCluster (key 60) on a controller listener: the registered controllers (KIP-919).

Versions: 1 the kind of endpoints asked for, which must be controllers (2) here; 0 cannot ask and is refused.
"""

from __future__ import annotations

from ottla.broker.apis.describe_cluster import CONTROLLERS, refusal
from ottla.broker.authorizer import CLUSTER_NAME, CLUSTER_OPERATIONS, authorized_operations
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from ottla.core.wire.permissions import ResourceType


def handle(services: Services, context: Context, request: DescribeClusterRequest) -> DescribeClusterResponse:
    refused = refusal(context, request.endpoint_type, CONTROLLERS)
    if refused is not None:
        return refused
    response = DescribeClusterResponse(
        endpoint_type=CONTROLLERS,
        cluster_id=services.cluster_id,
        controller_id=services.node_id,
        brokers=[
            DescribeClusterBroker(broker_id=each.id, host=endpoint.host, port=endpoint.port)
            for _, each in sorted(services.image.controllers.items())
            if (endpoint := each.endpoints.get(context.listener)) is not None
        ],
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_operations(
            services.authorizer, context, ResourceType.CLUSTER, CLUSTER_NAME, CLUSTER_OPERATIONS
        )
    return response
