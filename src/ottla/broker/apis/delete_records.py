"""DeleteRecords (key 21): raise the start of partitions, so that older records are gone.

Behaviour: offset -1 means the high watermark. The answer is the new low watermark. A topic that is only compacted keeps
its records (POLICY_VIOLATION), an internal one does too (INVALID_TOPIC_EXCEPTION).
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.topic_metadata import INTERNAL_TOPICS
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(services: Services, context: Context, request: DeleteRecordsRequest) -> DeleteRecordsResponse:
    topics: dict[str, dict[int, DeleteRecordsPartitionResult]] = {}
    for topic in request.topics:
        for each in topic.partitions:
            result = DeleteRecordsPartitionResult(partition_index=each.partition_index, low_watermark=-1)
            try:
                result.low_watermark = _delete(
                    services, context, topic.name, each.partition_index, each.offset
                )
            except KafkaError as error:
                result.error_code = error.code
            topics.setdefault(topic.name, {})[each.partition_index] = result
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(name=name, partitions=list(results.values()))
            for name, results in topics.items()
        ]
    )


def _delete(services: Services, context: Context, topic: str, index: int, offset: int) -> int:
    if not services.authorizer.allows(context, Operation.DELETE, ResourceType.TOPIC, topic):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    partition = services.partitions.get(topic, index)
    if topic in INTERNAL_TOPICS:
        raise KafkaError(
            ErrorCode.INVALID_TOPIC_EXCEPTION, f"Cannot delete records of internal topic {topic}"
        )
    return partition.delete_records_before(offset)
