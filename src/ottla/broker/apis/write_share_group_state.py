"""WriteShareGroupState (key 85): the leader of share partitions stores how far delivery has come.

Versions: 1 the count of deliveries that are complete, from which the lag is told (KIP-1226).
"""

from __future__ import annotations

from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.share_partitions import ask_each
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.share_state.requests import SharePartitionKey, StateBatch, Write
from ottla.core.wire.messages.write_share_group_state import (
    PartitionData,
    PartitionResult,
    WriteShareGroupStateRequest,
    WriteShareGroupStateResponse,
    WriteStateResult,
)


async def handle(
    services: Services, context: Context, request: WriteShareGroupStateRequest
) -> WriteShareGroupStateResponse:
    found = await ask_each(
        services, request.group_id, request.topics, _question, _result, "write share group state"
    )
    return WriteShareGroupStateResponse(
        results=[WriteStateResult(topic_id=topic_id, partitions=each) for topic_id, each in found]
    )


def _question(key: SharePartitionKey, each: PartitionData) -> Write:
    return Write(
        key,
        each.state_epoch,
        each.leader_epoch,
        each.start_offset,
        each.delivery_complete_count,
        [
            StateBatch(batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count)
            for batch in each.state_batches
        ],
    )


def _result(index: int, answer: Any) -> PartitionResult:
    if isinstance(answer, KafkaError):
        return PartitionResult(partition=index, error_code=answer.code, error_message=answer.text)
    return PartitionResult(partition=index)
