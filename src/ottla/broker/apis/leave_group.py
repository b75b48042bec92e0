"""LeaveGroup (key 13): members leave without waiting for their sessions to end.

Versions: 3 several members, by member id or instance id; before, one, and its error is that of the whole.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_group_id
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from ottla.core.wire.permissions import Operation, ResourceType

MANY_MEMBERS = 3


async def handle(services: Services, context: Context, request: LeaveGroupRequest) -> LeaveGroupResponse:
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    check_group_id(request.group_id)
    if context.version < MANY_MEMBERS:
        request = LeaveGroupRequest(
            group_id=request.group_id, members=[MemberIdentity(member_id=request.member_id)]
        )
    response: LeaveGroupResponse = await ask_group(services, context, request.group_id, request)
    if context.version < MANY_MEMBERS:
        return LeaveGroupResponse(error_code=response.members[0].error_code)
    return response
