"""OffsetCommit (key 8): stores how far a group has read."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class OffsetCommitRequestPartition(Body):
    partition_index: int32 = 0
    committed_offset: int64 = 0
    committed_leader_epoch: Annotated[int32, In("6+", ignorable=True)] = -1
    committed_metadata: str | None = ""


class OffsetCommitRequestTopic(Body):
    name: Annotated[str, In("2-9", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    partitions: list[OffsetCommitRequestPartition] = []


@message("2-10", flexible="8+", key=8)
class OffsetCommitRequest(Body):
    group_id: str = ""
    generation_id_or_member_epoch: int32 = -1
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("7+")] = None
    retention_time_ms: Annotated[int64, In("2-4", ignorable=True)] = -1
    topics: list[OffsetCommitRequestTopic] = []


class OffsetCommitResponsePartition(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class OffsetCommitResponseTopic(Body):
    name: Annotated[str, In("2-9", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    partitions: list[OffsetCommitResponsePartition] = []


@message("2-10", flexible="8+", key=8)
class OffsetCommitResponse(Body):
    throttle_time_ms: Annotated[int32, In("3+", ignorable=True)] = 0
    topics: list[OffsetCommitResponseTopic] = []
