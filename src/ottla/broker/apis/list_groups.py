"""ListGroups (key 16): the groups this broker coordinates.

Versions: 4 a filter of states; 5 types and a filter of them.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.coordination.asking import request as ask_as
from ottla.broker.services import Services
from ottla.core.groups.administration import ListAll
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.list_groups import ListGroupsRequest, ListGroupsResponse
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(services: Services, context: Context, request: ListGroupsRequest) -> ListGroupsResponse:
    allows = services.authorizer.allows
    body = ListAll(request.states_filter, request.types_filter)
    response = ListGroupsResponse()
    # Every shard is asked before the first answer is waited for.
    for answer in services.groups.ask_all(ask_as(services, context, body)):
        try:
            found: ListGroupsResponse = await answer
        except KafkaError as error:
            if error.code is ErrorCode.NOT_COORDINATOR:
                continue  # it went to another broker, which tells of its groups
            raise
        response.groups += found.groups
    if not allows(context, Operation.DESCRIBE, ResourceType.CLUSTER, CLUSTER_NAME):
        response.groups = [
            each
            for each in response.groups
            if allows(context, Operation.DESCRIBE, ResourceType.GROUP, each.group_id)
        ]
    return response
