"""Handing out producer ids in blocks (AllocateProducerIds; KIP-730)."""

from __future__ import annotations

from typing import Final

from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)
from ottla.core.wire.messages.records.metadata import ProducerIdsRecord

BLOCK_SIZE: Final = 1_000
_LARGEST: Final = 2**63 - 1


def allocate(
    state: State, now: int, command: Command, request: AllocateProducerIdsRequest
) -> Outcome[object, AllocateProducerIdsResponse]:
    """The next thousand ids, nobody else's from the moment this is committed."""
    state.check_broker_epoch(request.broker_id, request.broker_epoch)
    first = max(0, state.image.next_producer_id)
    if first > _LARGEST - BLOCK_SIZE:
        raise KafkaError(
            ErrorCode.UNKNOWN_SERVER_ERROR,
            f"Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit {first}",
        )
    record = ProducerIdsRecord(
        broker_id=request.broker_id,
        broker_epoch=request.broker_epoch,
        next_producer_id=first + BLOCK_SIZE,
    )
    return Outcome([record], AllocateProducerIdsResponse(producer_id_start=first, producer_id_len=BLOCK_SIZE))
