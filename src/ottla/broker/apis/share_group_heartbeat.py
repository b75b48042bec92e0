"""ShareGroupHeartbeat (key 76): a member of a share group joins, stays, says what it reads, and leaves (KIP-932).

Behaviour: epoch 0 joins, -1 leaves. The answer tells the member's epoch and, where that changed or a full request was sent,
its partitions. Topics that the caller may not describe fail the request.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_share_groups, is_member_id, relay_to_group
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.groups.share.heartbeat import check
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: ShareGroupHeartbeatRequest
) -> Later[ShareGroupHeartbeatResponse]:
    allows = services.authorizer.allows
    check_share_groups(services)
    if not allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not is_member_id(request.member_id):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    for topic in request.subscribed_topic_names or ():
        if not allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic):
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    check(request)
    return relay_to_group(services, context, request.group_id, request)
