"""DescribeTopicPartitions (key 75): topics page by page, with their eligible leader replicas (KIP-966).

Behaviour: topics in order of their names, at most `max.request.partition.size.limit` partitions an answer; `next_cursor`
says where the next page begins. No topics in the request means all of them.
"""

from __future__ import annotations

from ottla.broker.authorizer import TOPIC_OPERATIONS, authorized_operations
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.topic_metadata import INTERNAL_TOPICS, Reach, absence
from ottla.core.metadata.image import PartitionImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.describe_topic_partitions import (
    CursorResponse,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: DescribeTopicPartitionsRequest
) -> DescribeTopicPartitionsResponse:
    names, refused = _names(services, context, request)
    cursor = request.cursor
    limit = services.settings["max.request.partition.size.limit"]
    reach = Reach(services, context)
    left = max(min(limit, request.response_partition_limit), 1)
    response = DescribeTopicPartitionsResponse()
    for name in names:
        if left == 0:
            response.next_cursor = CursorResponse(topic_name=name, partition_index=0)
            break
        topic = services.image.topics_by_name.get(name)
        if topic is None:
            if request.topics:
                response.topics.append(_missing(services, context, name))
            continue
        start = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        end = min(len(topic.partitions), start + left)
        answer = DescribeTopicPartitionsResponseTopic(
            name=name, topic_id=topic.id, is_internal=name in INTERNAL_TOPICS
        )
        for index in range(start, end):
            answer.partitions.append(_partition(reach, index, topic.partitions[index]))
        answer.topic_authorized_operations = _operations(services, context, name)
        response.topics.append(answer)
        if end < len(topic.partitions):
            response.next_cursor = CursorResponse(topic_name=name, partition_index=end)
            break
        left -= len(answer.partitions)
    response.topics += [
        DescribeTopicPartitionsResponseTopic(name=name, error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        for name in refused
    ]
    return response


def _names(
    services: Services, context: Context, request: DescribeTopicPartitionsRequest
) -> tuple[list[str], list[str]]:
    """(topics to describe in order, topics the caller may not see)."""
    cursor = request.cursor
    first = "" if cursor is None else cursor.topic_name
    asked = [topic.name for topic in request.topics] or list(services.image.topics_by_name)
    names = {name for name in asked if name >= first}
    if cursor is not None:
        if request.topics and first not in names:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"The topics of the request should contain that of its cursor: {first}",
            )
        if cursor.partition_index < 0:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, f"The cursor's partition must be valid: {cursor.partition_index}"
            )
    allows = services.authorizer.allows
    allowed = {name for name in names if allows(context, Operation.DESCRIBE, ResourceType.TOPIC, name)}
    refused = sorted(names - allowed) if request.topics else []
    return sorted(allowed), refused


def _missing(services: Services, context: Context, name: str) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(
        name=name,
        error_code=absence(name),
        is_internal=name in INTERNAL_TOPICS,
        topic_authorized_operations=_operations(services, context, name),
    )


def _operations(services: Services, context: Context, name: str) -> int:
    return authorized_operations(services.authorizer, context, ResourceType.TOPIC, name, TOPIC_OPERATIONS)


def _partition(
    reach: Reach, index: int, partition: PartitionImage
) -> DescribeTopicPartitionsResponsePartition:
    return DescribeTopicPartitionsResponsePartition(
        partition_index=index,
        leader_id=reach.leader(partition)[0],
        leader_epoch=partition.leader_epoch,
        replica_nodes=partition.replicas,
        isr_nodes=partition.isr,
        eligible_leader_replicas=partition.elr,
        last_known_elr=partition.last_known_elr,
        offline_replicas=reach.offline_replicas(partition),
    )
