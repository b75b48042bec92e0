"""InitializeShareGroupState (key 83): begins the stored state of share partitions (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, int64, message


class PartitionData(Body):
    partition: int32 = 0
    state_epoch: int32 = 0
    start_offset: int64 = 0


class InitializeStateData(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


@message("0", flexible="0+", key=83)
class InitializeShareGroupStateRequest(Body):
    group_id: str = ""
    topics: list[InitializeStateData] = []


class PartitionResult(Body):
    partition: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None


class InitializeStateResult(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = []


@message("0", flexible="0+", key=83)
class InitializeShareGroupStateResponse(Body):
    results: list[InitializeStateResult] = []
