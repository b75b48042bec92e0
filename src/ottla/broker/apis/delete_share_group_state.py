"""DeleteShareGroupState (key 86): a group coordinator has the stored state of share partitions forgotten."""

from __future__ import annotations

from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.share_partitions import ask_each
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.share_state.requests import Delete, SharePartitionKey
from ottla.core.wire.messages.delete_share_group_state import (
    DeleteShareGroupStateRequest,
    DeleteShareGroupStateResponse,
    DeleteStateResult,
    PartitionData,
    PartitionResult,
)


async def handle(
    services: Services, context: Context, request: DeleteShareGroupStateRequest
) -> DeleteShareGroupStateResponse:
    found = await ask_each(
        services, request.group_id, request.topics, _question, _result, "delete share group state"
    )
    return DeleteShareGroupStateResponse(
        results=[DeleteStateResult(topic_id=topic_id, partitions=each) for topic_id, each in found]
    )


def _question(key: SharePartitionKey, each: PartitionData) -> Delete:
    return Delete(key)


def _result(index: int, answer: Any) -> PartitionResult:
    if isinstance(answer, KafkaError):
        return PartitionResult(partition=index, error_code=answer.code, error_message=answer.text)
    return PartitionResult(partition=index)
