"""DeleteGroups (key 42): delete groups without members, and what they have committed. Each stands for itself."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group
from ottla.broker.services import Services
from ottla.core.groups.administration import DeleteGroup
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(services: Services, context: Context, request: DeleteGroupsRequest) -> DeleteGroupsResponse:
    asked = [(name, _ask(services, context, name)) for name in dict.fromkeys(request.groups_names)]
    response = DeleteGroupsResponse()
    for name, answer in asked:
        try:
            if isinstance(answer, KafkaError):
                raise answer
            response.results.append(await answer)
        except KafkaError as error:
            response.results.append(DeletableGroupResult(group_id=name, error_code=error.code))
    return response


def _ask(services: Services, context: Context, name: str) -> Future[Any] | KafkaError:
    if not services.authorizer.allows(context, Operation.DELETE, ResourceType.GROUP, name):
        return KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    try:
        return ask_group(services, context, name, DeleteGroup(name))
    except KafkaError as error:
        return error
