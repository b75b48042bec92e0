"""WriteShareGroupState (key 85): a share-partition leader stores how far delivery has come (KIP-932)."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int8, int16, int32, int64, message


class StateBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    delivery_state: int8 = 0
    delivery_count: int16 = 0


class PartitionData(Body):
    partition: int32 = 0
    state_epoch: int32 = 0
    leader_epoch: int32 = 0
    start_offset: int64 = 0
    delivery_complete_count: Annotated[int32, In("1+", ignorable=True)] = -1
    state_batches: list[StateBatch] = []


class WriteStateData(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


@message("0-1", flexible="0+", key=85)
class WriteShareGroupStateRequest(Body):
    group_id: str = ""
    topics: list[WriteStateData] = []


class PartitionResult(Body):
    partition: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None


class WriteStateResult(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = []


@message("0-1", flexible="0+", key=85)
class WriteShareGroupStateResponse(Body):
    results: list[WriteStateResult] = []
