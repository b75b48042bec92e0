"""Heartbeat (key 12): a member of a classic group is alive, and hears whether it has to join again.

While the coordinator still reads its log it cannot know the member and says nothing against it.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_group_id, relay_to_group
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: HeartbeatRequest
) -> HeartbeatResponse | Later[HeartbeatResponse]:
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    check_group_id(request.group_id)
    try:
        return relay_to_group(services, context, request.group_id, request)
    except KafkaError as error:
        if error.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
            return HeartbeatResponse()
        raise
