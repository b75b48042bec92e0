"""JoinGroup (key 11): enter a classic group; the answer comes when its members are gathered.

Versions: 4 members learn their id before they count (KIP-394); 5 static members; 7 protocol type; 9 skip assignment.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse
from ottla.core.wire.permissions import Operation, ResourceType

NULLABLE_PROTOCOL = 7


async def handle(services: Services, context: Context, request: JoinGroupRequest) -> JoinGroupResponse:
    try:
        if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
            raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        _check(services, request)
        response: JoinGroupResponse = await ask_group(
            services, context, request.group_id, request, fresh=True
        )
    except KafkaError as error:
        response = JoinGroupResponse(error_code=error.code, member_id=request.member_id, protocol_name=None)
    if response.protocol_name is None and context.version < NULLABLE_PROTOCOL:
        response.protocol_name = ""
    return response


def _check(services: Services, request: JoinGroupRequest) -> None:
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    shortest = services.settings["group.min.session.timeout.ms"]
    longest = services.settings["group.max.session.timeout.ms"]
    if not shortest <= request.session_timeout_ms <= longest:
        raise KafkaError(ErrorCode.INVALID_SESSION_TIMEOUT)
