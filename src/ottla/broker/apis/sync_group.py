"""SyncGroup (key 14): the leader hands in the assignment, every member takes its share; who asks early waits for it.

Versions: 3 static members; 5 protocol type and name, which are mandatory then.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_group_id, relay_to_group
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from ottla.core.wire.permissions import Operation, ResourceType

PROTOCOL_NAMED = 5


def handle(services: Services, context: Context, request: SyncGroupRequest) -> Later[SyncGroupResponse]:
    if context.version >= PROTOCOL_NAMED and (request.protocol_type is None or request.protocol_name is None):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    check_group_id(request.group_id)
    return relay_to_group(services, context, request.group_id, request)
