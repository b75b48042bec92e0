"""OffsetCommit (key 8): a consumer says how far it has read.

Behaviour: topics and partitions that do not exist, or may not be read, are answered each for itself; the rest goes to the
coordinator of the group, which takes all of it or nothing. The empty group id is allowed.

Versions: 10 topic ids instead of names.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, relay_to_group
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType

TOPIC_IDS = 10


def handle(
    services: Services, context: Context, request: OffsetCommitRequest
) -> OffsetCommitResponse | Awaitable[OffsetCommitResponse] | Later[OffsetCommitResponse]:
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    refused = OffsetCommitResponse()
    taken: list[OffsetCommitRequestTopic] = []
    for topic in request.topics:
        code = _resolve(services, context, topic)
        known, absent = _divided(services, topic) if not code else ([], topic.partitions)
        if absent:
            refused.topics.append(
                OffsetCommitResponseTopic(
                    name=topic.name,
                    topic_id=topic.topic_id,
                    partitions=[
                        OffsetCommitResponsePartition(
                            partition_index=each.partition_index,
                            error_code=code or ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                        )
                        for each in absent
                    ],
                )
            )
        if known:
            taken.append(OffsetCommitRequestTopic(name=topic.name, topic_id=topic.topic_id, partitions=known))
    if not taken:
        return refused
    whole = not refused.topics and len(taken) == len(request.topics)
    body = (
        request
        if whole
        else OffsetCommitRequest(
            group_id=request.group_id,
            generation_id_or_member_epoch=request.generation_id_or_member_epoch,
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            retention_time_ms=request.retention_time_ms,
            topics=taken,
        )
    )
    if not refused.topics:
        return relay_to_group(services, context, request.group_id, body)
    return _merge(ask_group(services, context, request.group_id, body), refused)


def _divided(
    services: Services, topic: OffsetCommitRequestTopic
) -> tuple[list[OffsetCommitRequestPartition], list[OffsetCommitRequestPartition]]:
    """(partitions that there are, partitions that there are not)."""
    image = services.image.topics_by_name.get(topic.name)
    if image is None:
        return [], topic.partitions
    partitions = image.partitions
    absent = [each for each in topic.partitions if each.partition_index not in partitions]
    if not absent:
        return topic.partitions, absent
    return [each for each in topic.partitions if each.partition_index in partitions], absent


def _resolve(services: Services, context: Context, topic: OffsetCommitRequestTopic) -> ErrorCode:
    """Fill in the topic's name or id; why its offsets cannot be taken, if they cannot."""
    if context.version >= TOPIC_IDS:
        topic.name = services.partitions.topic_name(topic.topic_id) or ""
        if not topic.name:
            return ErrorCode.UNKNOWN_TOPIC_ID
    if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic.name):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    known = services.topic_id(topic.name)
    if known is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    topic.topic_id = known
    return ErrorCode.NONE


async def _merge(answer: Future[OffsetCommitResponse], refused: OffsetCommitResponse) -> OffsetCommitResponse:
    """What the coordinator took, behind what never got there; a topic's partitions together."""
    response = await answer
    by_name = {(topic.name, topic.topic_id): topic for topic in refused.topics}
    for topic in response.topics:
        known = by_name.get((topic.name, topic.topic_id))
        if known is None:
            refused.topics.append(topic)
        else:
            known.partitions += topic.partitions
    return refused
