"""InitializeShareGroupState (key 83): a group coordinator begins the stored state of share partitions, or begins it anew."""

from __future__ import annotations

from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.share_partitions import ask_each
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.share_state.requests import Initialize, SharePartitionKey
from ottla.core.wire.messages.initialize_share_group_state import (
    InitializeShareGroupStateRequest,
    InitializeShareGroupStateResponse,
    InitializeStateResult,
    PartitionData,
    PartitionResult,
)


async def handle(
    services: Services, context: Context, request: InitializeShareGroupStateRequest
) -> InitializeShareGroupStateResponse:
    found = await ask_each(
        services,
        request.group_id,
        request.topics,
        _question,
        _result,
        "initialize share group state",
        empty_topics=True,
    )
    return InitializeShareGroupStateResponse(
        results=[InitializeStateResult(topic_id=topic_id, partitions=each) for topic_id, each in found]
    )


def _question(key: SharePartitionKey, each: PartitionData) -> Initialize:
    return Initialize(key, each.state_epoch, each.start_offset)


def _result(index: int, answer: Any) -> PartitionResult:
    if isinstance(answer, KafkaError):
        return PartitionResult(partition=index, error_code=answer.code, error_message=answer.text)
    return PartitionResult(partition=index)
