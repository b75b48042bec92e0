"""DeleteShareGroupState (key 86): deletes the stored state of share partitions (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


class PartitionData(Body):
    partition: int32 = 0


class DeleteStateData(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


@message("0", flexible="0+", key=86)
class DeleteShareGroupStateRequest(Body):
    group_id: str = ""
    topics: list[DeleteStateData] = []


class PartitionResult(Body):
    partition: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None


class DeleteStateResult(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = []


@message("0", flexible="0+", key=86)
class DeleteShareGroupStateResponse(Body):
    results: list[DeleteStateResult] = []
