"""OffsetForLeaderEpoch (key 23): where a leader epoch ended, for readers who check for lost records (KIP-320).

Behaviour: the answer is the largest epoch not above the one asked for and the offset at which it ended; epoch -1 and
offset -1 when it is not known.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: OffsetForLeaderEpochRequest
) -> OffsetForLeaderEpochResponse:
    allows = services.authorizer.allows
    peer = allows(context, Operation.CLUSTER_ACTION, ResourceType.CLUSTER, CLUSTER_NAME)
    response = OffsetForLeaderEpochResponse()
    for topic in request.topics:
        allowed = peer or allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.topic)
        results = [_end(services, topic.topic, each, allowed) for each in topic.partitions]
        response.topics.append(OffsetForLeaderTopicResult(topic=topic.topic, partitions=results))
    return response


def _end(services: Services, topic: str, asked: OffsetForLeaderPartition, allowed: bool) -> EpochEndOffset:
    result = EpochEndOffset(partition=asked.partition)
    if not allowed:
        result.error_code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return result
    try:
        log = services.partitions.get(topic, asked.partition).leader_log(asked.current_leader_epoch)
    except KafkaError as error:
        result.error_code = error.code
        return result
    known = log.end_offset_for_epoch(asked.leader_epoch)
    if known is not None:
        result.leader_epoch, result.end_offset = known
    return result
