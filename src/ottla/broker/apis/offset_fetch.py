"""OffsetFetch (key 9): how far groups have read.

Behaviour: each group stands for itself. Without topics everything the group has committed is told. A group that is not
there has committed nothing; that is no error. With `require_stable`, partitions that an open transaction has written to
are UNSTABLE_OFFSET_COMMIT.

Versions: 2 an error for the whole; 8 several groups; 9 member ids and epochs; 10 topic ids.
"""

from __future__ import annotations

from asyncio import Future
from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group
from ottla.broker.services import Services
from ottla.core.groups.offsets.fetch import NO_OFFSET, FetchOffsets
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from ottla.core.wire.permissions import Operation, ResourceType

ERROR_OF_ALL = 2
MANY_GROUPS = 8
TOPIC_IDS = 10


async def handle(services: Services, context: Context, request: OffsetFetchRequest) -> OffsetFetchResponse:
    if context.version >= MANY_GROUPS:
        asked = [(each, _ask(services, context, each, request.require_stable)) for each in request.groups]
        return OffsetFetchResponse(
            groups=[await _answer(services, context, group, answer) for group, answer in asked]
        )
    group = OffsetFetchRequestGroup(
        group_id=request.group_id,
        topics=None
        if request.topics is None
        else [
            OffsetFetchRequestTopics(name=each.name, partition_indexes=each.partition_indexes)
            for each in request.topics
        ],
    )
    answer = _ask(services, context, group, request.require_stable)
    return _as_one(await _answer(services, context, group, answer), group, context.version)


def _ask(
    services: Services, context: Context, group: OffsetFetchRequestGroup, require_stable: bool
) -> Future[Any] | KafkaError:
    """Put one group's question. Every group is asked before the first answer is waited for."""
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.GROUP, group.group_id):
        return KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    topics = group.topics
    if topics is not None:
        if context.version >= TOPIC_IDS:
            for topic in topics:
                topic.name = services.partitions.topic_name(topic.topic_id) or ""
        topics = [topic for topic in topics if not _refusal(services, context, topic)]
    wanted = OffsetFetchRequestGroup(
        group_id=group.group_id, member_id=group.member_id, member_epoch=group.member_epoch, topics=topics
    )
    try:
        return ask_group(services, context, group.group_id, FetchOffsets(wanted, require_stable))
    except KafkaError as error:
        return error


def _refusal(services: Services, context: Context, topic: OffsetFetchRequestTopics) -> ErrorCode:
    if context.version >= TOPIC_IDS and not topic.name:
        return ErrorCode.UNKNOWN_TOPIC_ID
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.name):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    return ErrorCode.NONE


async def _answer(
    services: Services, context: Context, group: OffsetFetchRequestGroup, answer: Future[Any] | KafkaError
) -> OffsetFetchResponseGroup:
    try:
        if isinstance(answer, KafkaError):
            raise answer
        response: OffsetFetchResponseGroup = await answer
    except KafkaError as error:
        return OffsetFetchResponseGroup(group_id=group.group_id, error_code=error.code)
    if group.topics is None:
        response.topics = [topic for topic in response.topics if _visible(services, context, topic)]
        return response
    for topic in group.topics:
        code = _refusal(services, context, topic)
        if code:
            answers = [
                OffsetFetchResponsePartitions(
                    partition_index=index, committed_offset=NO_OFFSET, error_code=code
                )
                for index in topic.partition_indexes
            ]
            response.topics.append(
                OffsetFetchResponseTopics(name=topic.name, topic_id=topic.topic_id, partitions=answers)
            )
    return response


def _visible(services: Services, context: Context, topic: OffsetFetchResponseTopics) -> bool:
    """Whether the caller may know of it; its id is filled in, without which newer versions cannot name it."""
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.name):
        return False
    if context.version >= TOPIC_IDS:
        topic.topic_id = services.topic_id(topic.name) or ZERO_UUID
        return topic.topic_id != ZERO_UUID
    return True


def _as_one(
    answer: OffsetFetchResponseGroup, group: OffsetFetchRequestGroup, version: int
) -> OffsetFetchResponse:
    """As versions before 8 say it: one group, whose error the oldest of them repeat beside each partition."""
    if answer.error_code and version < ERROR_OF_ALL:
        return OffsetFetchResponse(
            topics=[
                OffsetFetchResponseTopic(
                    name=topic.name,
                    partitions=[
                        OffsetFetchResponsePartition(
                            partition_index=index, committed_offset=NO_OFFSET, error_code=answer.error_code
                        )
                        for index in topic.partition_indexes
                    ],
                )
                for topic in group.topics or []
            ]
        )
    return OffsetFetchResponse(
        error_code=answer.error_code,
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=each.partition_index,
                        committed_offset=each.committed_offset,
                        committed_leader_epoch=each.committed_leader_epoch,
                        metadata=each.metadata,
                        error_code=each.error_code,
                    )
                    for each in topic.partitions
                ],
            )
            for topic in answer.topics
        ],
    )
