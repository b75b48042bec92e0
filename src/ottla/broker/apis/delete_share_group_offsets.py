"""DeleteShareGroupOffsets (key 92): forget where a share group without members stands in some topics (KIP-932).

Behaviour: a topic as a whole or not at all; each is answered for itself. Reading it next, the group begins as if for the
first time.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_share_groups
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequestTopic,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: DeleteShareGroupOffsetsRequest
) -> DeleteShareGroupOffsetsResponse:
    allows = services.authorizer.allows
    check_share_groups(services)
    if not allows(context, Operation.DELETE, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    refused: list[DeleteShareGroupOffsetsResponseTopic] = []
    taken: list[DeleteShareGroupOffsetsRequestTopic] = []
    for topic in request.topics:
        if allows(context, Operation.READ, ResourceType.TOPIC, topic.topic_name):
            taken.append(topic)
            continue
        code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        refused.append(
            DeleteShareGroupOffsetsResponseTopic(
                topic_name=topic.topic_name, error_code=code, error_message=code.sentence
            )
        )
    body = DeleteShareGroupOffsetsRequest(group_id=request.group_id, topics=taken)
    response: DeleteShareGroupOffsetsResponse = await ask_group(services, context, request.group_id, body)
    response.responses = [*refused, *response.responses]
    return response
