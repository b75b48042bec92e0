"""OffsetDelete (key 47): forget what a group has committed for some partitions.

Behaviour: partitions that do not exist, and topics that members read, are answered each for itself; a group that is not
there, or whose members are no consumers, fails the whole.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_group_id
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(services: Services, context: Context, request: OffsetDeleteRequest) -> OffsetDeleteResponse:
    if not services.authorizer.allows(context, Operation.DELETE, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    refused: list[OffsetDeleteResponseTopic] = []
    taken: list[OffsetDeleteRequestTopic] = []
    for topic in request.topics:
        image = services.image.topics_by_name.get(topic.name)
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic.name):
            code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
            image = None
        known = [
            each
            for each in topic.partitions
            if image is not None and each.partition_index in image.partitions
        ]
        absent = [
            OffsetDeleteResponsePartition(partition_index=each.partition_index, error_code=code)
            for each in topic.partitions
            if each not in known
        ]
        if absent:
            refused.append(OffsetDeleteResponseTopic(name=topic.name, partitions=absent))
        if known:
            taken.append(OffsetDeleteRequestTopic(name=topic.name, partitions=known))
    if request.topics and not taken:
        return OffsetDeleteResponse(topics=refused)
    check_group_id(request.group_id)
    asked: Awaitable[OffsetDeleteResponse] = ask_group(
        services, context, request.group_id, OffsetDeleteRequest(group_id=request.group_id, topics=taken)
    )
    response = await asked
    by_name = {topic.name: topic for topic in refused}
    for answer in response.topics:
        known_topic = by_name.get(answer.name)
        if known_topic is None:
            refused.append(answer)
        else:
            known_topic.partitions += answer.partitions
    response.topics = refused
    return response
