"""AlterShareGroupOffsets (key 91): set where a share group without members goes on (KIP-932).

Behaviour: topics that do not exist, or may not be read, are answered each for itself; the rest goes to the group's
coordinator, which has their state begun anew. A group that does not exist comes into being.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_share_groups
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestTopic,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: AlterShareGroupOffsetsRequest
) -> AlterShareGroupOffsetsResponse:
    check_share_groups(services)
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    refused: list[AlterShareGroupOffsetsResponseTopic] = []
    taken: list[AlterShareGroupOffsetsRequestTopic] = []
    for topic in request.topics:
        code = _check(services, context, topic.topic_name)
        if code:
            refused.append(_refusal(services, topic, code))
        else:
            taken.append(topic)
    body = AlterShareGroupOffsetsRequest(group_id=request.group_id, topics=taken)
    response: AlterShareGroupOffsetsResponse = await ask_group(services, context, request.group_id, body)
    response.responses = _together([*refused, *response.responses])
    return response


def _together(topics: list[AlterShareGroupOffsetsResponseTopic]) -> list[AlterShareGroupOffsetsResponseTopic]:
    """Topics that were named twice, once."""
    found: dict[str, AlterShareGroupOffsetsResponseTopic] = {}
    for topic in topics:
        known = found.setdefault(topic.topic_name, topic)
        if known is not topic:
            known.partitions += topic.partitions
    return list(found.values())


def _check(services: Services, context: Context, topic: str) -> ErrorCode:
    if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    if services.topic_id(topic) is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


def _refusal(
    services: Services, topic: AlterShareGroupOffsetsRequestTopic, code: ErrorCode
) -> AlterShareGroupOffsetsResponseTopic:
    return AlterShareGroupOffsetsResponseTopic(
        topic_name=topic.topic_name,
        topic_id=services.topic_id(topic.topic_name) or ZERO_UUID,
        partitions=[
            AlterShareGroupOffsetsResponsePartition(
                partition_index=each.partition_index, error_code=code, error_message=code.sentence
            )
            for each in topic.partitions
        ],
    )
