"""ListOffsets (key 2): the offset of a time, or of a special place in the log.

Behaviour: a positive timestamp finds the first record at least that late. Specials: -1 the end (high watermark, or last
stable offset for READ_COMMITTED), -2 the start, -3 the record with the largest timestamp, -4 the local start, -5 and -6
tiered storage (-1 here). What lies beyond what the client may read is not found: offset -1, no error.

Versions: 2 isolation level; 4 leader epochs; 7 (-3), 8 (-4), 9 (-5), 11 (-6); a special one that came later is
UNSUPPORTED_VERSION.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.storage.lookups import (
    EARLIEST,
    EARLIEST_LOCAL,
    EARLIEST_PENDING_UPLOAD,
    LATEST,
    LATEST_TIERED,
    MAX_TIMESTAMP,
)
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType

SINCE: Final = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
CONSUMER: Final = -1
READ_COMMITTED: Final = 1


def handle(services: Services, context: Context, request: ListOffsetsRequest) -> ListOffsetsResponse:
    named = Counter(
        (topic.name, each.partition_index) for topic in request.topics for each in topic.partitions
    )
    topics: dict[str, dict[int, ListOffsetsPartitionResponse]] = {}
    for topic in request.topics:
        for index, each in {each.partition_index: each for each in topic.partitions}.items():
            answer = ListOffsetsPartitionResponse(partition_index=index)
            try:
                if named[topic.name, index] > 1:
                    raise KafkaError(ErrorCode.INVALID_REQUEST)
                _find(services, context, request, topic.name, each, answer)
            except KafkaError as error:
                answer.error_code = error.code
            topics.setdefault(topic.name, {})[index] = answer
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(name=name, partitions=list(answers.values()))
            for name, answers in topics.items()
        ]
    )


def _find(
    services: Services,
    context: Context,
    request: ListOffsetsRequest,
    topic: str,
    asked: ListOffsetsPartition,
    answer: ListOffsetsPartitionResponse,
) -> None:
    """Fill `answer`, or raise what is wrong."""
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if asked.timestamp < 0 and context.version < SINCE.get(asked.timestamp, 1 << 15):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    partition = services.partitions.get(topic, asked.partition_index)
    log = partition.leader_log(asked.current_leader_epoch)
    if request.replica_id != CONSUMER:
        readable = log.end_offset
    elif request.isolation_level == READ_COMMITTED:
        readable = log.last_stable_offset
    else:
        readable = log.high_watermark
    if asked.timestamp == LATEST:
        answer.offset = readable
        if context.version >= 4:
            answer.leader_epoch = partition.leader_epoch
        return
    found = log.offset_for_timestamp(asked.timestamp)
    if found is None or (asked.timestamp not in (EARLIEST, EARLIEST_LOCAL) and found.offset >= readable):
        return
    answer.offset, answer.timestamp = found.offset, found.timestamp
    if context.version >= 4:
        answer.leader_epoch = found.leader_epoch
