"""DescribeGroups (key 15): state and members of classic groups.

Behaviour: each group stands for itself; of a kind other than classic it counts as not there.

Versions: 3 authorised operations; 6 GROUP_ID_NOT_FOUND with a sentence, before that the state "Dead".
"""

from __future__ import annotations

from asyncio import Future
from typing import Any

from ottla.broker.authorizer import authorized_operations
from ottla.broker.context import Context
from ottla.broker.coordination.asking import GROUP_OPERATIONS, ask_group
from ottla.broker.services import Services
from ottla.core.groups.administration import DescribeClassic
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.describe_groups import (
    DescribedGroup,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: DescribeGroupsRequest
) -> DescribeGroupsResponse:
    asked = [(name, _ask(services, context, name)) for name in request.groups]
    response = DescribeGroupsResponse()
    for name, answer in asked:
        try:
            if isinstance(answer, KafkaError):
                raise answer
            described: DescribedGroup = await answer
        except KafkaError as error:
            described = DescribedGroup(group_id=name, error_code=error.code)
        if request.include_authorized_operations and not described.error_code:
            described.authorized_operations = authorized_operations(
                services.authorizer, context, ResourceType.GROUP, name, GROUP_OPERATIONS
            )
        response.groups.append(described)
    return response


def _ask(services: Services, context: Context, name: str) -> Future[Any] | KafkaError:
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.GROUP, name):
        return KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    try:
        return ask_group(services, context, name, DescribeClassic(name))
    except KafkaError as error:
        return error
