"""DescribeShareGroupOffsets (key 90): where share groups stand in their partitions (KIP-932).

Behaviour: without topics, everything the group has state of is told, as far as the caller may describe it. Where nothing is
stored the offset is -1; that is no error, and neither is a group or topic that does not exist.

Versions: 1 the lag: records behind the start offset whose delivery is not complete (KIP-1226).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_share_groups
from ottla.broker.coordination.persister import SharePersister, answers_of
from ottla.broker.services import Services
from ottla.core.groups.share.describe import InitializedPartitions
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.share_state.requests import ABSENT, UNINITIALIZED, PartitionState, SharePartitionKey
from ottla.core.wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType

_WORDLESS: Final = frozenset({ErrorCode.UNSUPPORTED_VERSION, ErrorCode.GROUP_AUTHORIZATION_FAILED})
"""What is answered without a sentence."""


async def handle(
    services: Services, context: Context, request: DescribeShareGroupOffsetsRequest
) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(
        groups=[await _group(services, context, group) for group in request.groups]
    )


async def _group(
    services: Services, context: Context, asked: DescribeShareGroupOffsetsRequestGroup
) -> DescribeShareGroupOffsetsResponseGroup:
    answer = DescribeShareGroupOffsetsResponseGroup(group_id=asked.group_id)
    try:
        check_share_groups(services)
        if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.GROUP, asked.group_id):
            raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        if asked.topics is None:
            answer.topics = await _everything(services, context, asked.group_id)
        else:
            answer.topics = await _named(services, context, asked.group_id, asked.topics)
    except KafkaError as error:
        answer.error_code = error.code
        if error.code not in _WORDLESS:
            answer.error_message = error.code.sentence
    return answer


async def _everything(
    services: Services, context: Context, group: str
) -> list[DescribeShareGroupOffsetsResponseTopic]:
    """All that is initialized; what the caller may not describe is left out."""
    found = await ask_group(services, context, group, InitializedPartitions(group))
    seen: dict[Uuid, Iterable[int]] = {}
    for topic_id, partitions in found.items():
        topic = services.image.topics_by_id.get(topic_id)
        if topic is not None and services.authorizer.allows(
            context, Operation.DESCRIBE, ResourceType.TOPIC, topic.name
        ):
            seen[topic_id] = sorted(partitions)
    return await _told(services, group, seen)


async def _named(
    services: Services, context: Context, group: str, topics: list[DescribeShareGroupOffsetsRequestTopic]
) -> list[DescribeShareGroupOffsetsResponseTopic]:
    seen: dict[Uuid, Iterable[int]] = {}
    absent: list[DescribeShareGroupOffsetsResponseTopic] = []
    refused: list[DescribeShareGroupOffsetsResponseTopic] = []
    for topic in topics:
        topic_id = services.topic_id(topic.topic_name)
        if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.topic_name):
            refused.append(_nothing(topic, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
        elif topic_id is None:
            absent.append(_nothing(topic, ErrorCode.NONE))
        else:
            seen[topic_id] = topic.partitions
    return [*await _told(services, group, seen), *absent, *refused]


def _nothing(
    topic: DescribeShareGroupOffsetsRequestTopic, code: ErrorCode
) -> DescribeShareGroupOffsetsResponseTopic:
    return DescribeShareGroupOffsetsResponseTopic(
        topic_name=topic.topic_name,
        partitions=[
            DescribeShareGroupOffsetsResponsePartition(
                partition_index=index,
                start_offset=UNINITIALIZED,
                error_code=code,
                error_message=code.sentence if code else None,
            )
            for index in topic.partitions
        ],
    )


async def _told(
    services: Services, group: str, topics: dict[Uuid, Iterable[int]]
) -> list[DescribeShareGroupOffsetsResponseTopic]:
    """All partitions are asked about at once."""
    persister = SharePersister(services)
    keys = [SharePartitionKey(group, topic_id, index) for topic_id, of in topics.items() for index in of]
    states = await answers_of({key: persister.summary(key) for key in dict.fromkeys(keys)})
    answers: dict[Uuid, DescribeShareGroupOffsetsResponseTopic] = {}
    for topic_id in topics:
        topic = services.image.topics_by_id.get(topic_id)
        name = "" if topic is None else topic.name
        answers[topic_id] = DescribeShareGroupOffsetsResponseTopic(topic_name=name, topic_id=topic_id)
    for key, state in states.items():
        told = answers[key.topic_id]
        # A partition that does not exist counts as one that nothing is known of.
        known = ABSENT if isinstance(state, KafkaError) else state
        told.partitions.append(_partition(services, told.topic_name, key.partition, known))
    return list(answers.values())


def _partition(
    services: Services, topic: str, index: int, state: PartitionState
) -> DescribeShareGroupOffsetsResponsePartition:
    told = DescribeShareGroupOffsetsResponsePartition(
        partition_index=index, start_offset=state.start_offset, leader_epoch=state.leader_epoch
    )
    if UNINITIALIZED in (state.start_offset, state.delivery_complete_count):
        return told
    try:
        end = services.partitions.get(topic, index).leader_log().high_watermark
    except KafkaError as error:
        return DescribeShareGroupOffsetsResponsePartition(
            partition_index=index, error_code=error.code, error_message=error.code.sentence
        )
    told.lag = end - state.start_offset - state.delivery_complete_count
    return told
