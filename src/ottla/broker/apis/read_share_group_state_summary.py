"""ReadShareGroupStateSummary (key 87): from where on the records of share partitions are still to be delivered. Nobody's epoch
counts here, and a share partition of which nothing is stored is no error.

Versions: 1 the count of deliveries that are complete.
"""

from __future__ import annotations

from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.share_partitions import ask_each
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.share_state.requests import ReadSummary, SharePartitionKey
from ottla.core.wire.messages.read_share_group_state_summary import (
    PartitionData,
    PartitionResult,
    ReadShareGroupStateSummaryRequest,
    ReadShareGroupStateSummaryResponse,
    ReadStateSummaryResult,
)


async def handle(
    services: Services, context: Context, request: ReadShareGroupStateSummaryRequest
) -> ReadShareGroupStateSummaryResponse:
    found = await ask_each(
        services, request.group_id, request.topics, _question, _result, "read share group state summary"
    )
    return ReadShareGroupStateSummaryResponse(
        results=[ReadStateSummaryResult(topic_id=topic_id, partitions=each) for topic_id, each in found]
    )


def _question(key: SharePartitionKey, each: PartitionData) -> ReadSummary:
    return ReadSummary(key)


def _result(index: int, answer: Any) -> PartitionResult:
    if isinstance(answer, KafkaError):
        return PartitionResult(partition=index, error_code=answer.code, error_message=answer.text)
    return PartitionResult(
        partition=index,
        state_epoch=answer.state_epoch,
        leader_epoch=answer.leader_epoch,
        start_offset=answer.start_offset,
        delivery_complete_count=answer.delivery_complete_count,
    )
