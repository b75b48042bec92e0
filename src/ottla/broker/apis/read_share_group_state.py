"""ReadShareGroupState (key 84): the leader of share partitions reads what is stored of them. Its leader epoch counts from then
on: who led before cannot write any more.
"""

from __future__ import annotations

from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.share_partitions import ask_each
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.share_state.requests import Read, SharePartitionKey
from ottla.core.wire.messages.read_share_group_state import (
    PartitionData,
    PartitionResult,
    ReadShareGroupStateRequest,
    ReadShareGroupStateResponse,
    ReadStateResult,
    StateBatch,
)


async def handle(
    services: Services, context: Context, request: ReadShareGroupStateRequest
) -> ReadShareGroupStateResponse:
    found = await ask_each(
        services, request.group_id, request.topics, _question, _result, "read share group state"
    )
    return ReadShareGroupStateResponse(
        results=[ReadStateResult(topic_id=topic_id, partitions=each) for topic_id, each in found]
    )


def _question(key: SharePartitionKey, each: PartitionData) -> Read:
    return Read(key, each.leader_epoch)


def _result(index: int, answer: Any) -> PartitionResult:
    if isinstance(answer, KafkaError):
        return PartitionResult(partition=index, error_code=answer.code, error_message=answer.text)
    return PartitionResult(
        partition=index,
        state_epoch=answer.state_epoch,
        start_offset=answer.start_offset,
        state_batches=[StateBatch(*batch) for batch in answer.batches],
    )
