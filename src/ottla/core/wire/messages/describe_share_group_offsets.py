"""DescribeShareGroupOffsets (key 90): where share groups stand in their partitions (KIP-932)."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class DescribeShareGroupOffsetsRequestTopic(Body):
    topic_name: str = ""
    partitions: list[int32] = []


class DescribeShareGroupOffsetsRequestGroup(Body):
    group_id: str = ""
    topics: list[DescribeShareGroupOffsetsRequestTopic] | None = []


@message("0-1", flexible="0+", key=90)
class DescribeShareGroupOffsetsRequest(Body):
    groups: list[DescribeShareGroupOffsetsRequestGroup] = []


class DescribeShareGroupOffsetsResponsePartition(Body):
    partition_index: int32 = 0
    start_offset: int64 = 0
    leader_epoch: int32 = 0
    lag: Annotated[int64, In("1+", ignorable=True)] = -1
    error_code: int16 = 0
    error_message: str | None = None


class DescribeShareGroupOffsetsResponseTopic(Body):
    topic_name: str = ""
    topic_id: Uuid = ZERO_UUID
    partitions: list[DescribeShareGroupOffsetsResponsePartition] = []


class DescribeShareGroupOffsetsResponseGroup(Body):
    group_id: str = ""
    topics: list[DescribeShareGroupOffsetsResponseTopic] = []
    error_code: int16 = 0
    error_message: str | None = None


@message("0-1", flexible="0+", key=90)
class DescribeShareGroupOffsetsResponse(Body):
    throttle_time_ms: int32 = 0
    groups: list[DescribeShareGroupOffsetsResponseGroup] = []
