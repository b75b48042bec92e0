"""ReadShareGroupState (key 84): a share-partition leader reads its stored state (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int8, int16, int32, int64, message


class PartitionData(Body):
    partition: int32 = 0
    leader_epoch: int32 = 0


class ReadStateData(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


@message("0", flexible="0+", key=84)
class ReadShareGroupStateRequest(Body):
    group_id: str = ""
    topics: list[ReadStateData] = []


class StateBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    delivery_state: int8 = 0
    delivery_count: int16 = 0


class PartitionResult(Body):
    partition: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    state_epoch: int32 = 0
    start_offset: int64 = 0
    state_batches: list[StateBatch] = []


class ReadStateResult(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = []


@message("0", flexible="0+", key=84)
class ReadShareGroupStateResponse(Body):
    results: list[ReadStateResult] = []
