"""ReadShareGroupStateSummary (key 87): the start offsets in the stored state of share partitions (KIP-932)."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class PartitionData(Body):
    partition: int32 = 0
    leader_epoch: int32 = 0


class ReadStateSummaryData(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


@message("0-1", flexible="0+", key=87)
class ReadShareGroupStateSummaryRequest(Body):
    group_id: str = ""
    topics: list[ReadStateSummaryData] = []


class PartitionResult(Body):
    partition: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    state_epoch: int32 = 0
    leader_epoch: int32 = 0
    start_offset: int64 = 0
    delivery_complete_count: Annotated[int32, In("1+", ignorable=True)] = -1


class ReadStateSummaryResult(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = []


@message("0-1", flexible="0+", key=87)
class ReadShareGroupStateSummaryResponse(Body):
    results: list[ReadStateSummaryResult] = []
