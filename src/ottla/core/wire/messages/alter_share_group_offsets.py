"""AlterShareGroupOffsets (key 91): sets where an empty share group goes on (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, int64, message


class AlterShareGroupOffsetsRequestPartition(Body):
    partition_index: int32 = 0
    start_offset: int64 = 0


class AlterShareGroupOffsetsRequestTopic(Body):
    topic_name: str = ""
    partitions: list[AlterShareGroupOffsetsRequestPartition] = []


@message("0", flexible="0+", key=91)
class AlterShareGroupOffsetsRequest(Body):
    group_id: str = ""
    topics: list[AlterShareGroupOffsetsRequestTopic] = []


class AlterShareGroupOffsetsResponsePartition(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None


class AlterShareGroupOffsetsResponseTopic(Body):
    topic_name: str = ""
    topic_id: Uuid = ZERO_UUID
    partitions: list[AlterShareGroupOffsetsResponsePartition] = []


@message("0", flexible="0+", key=91)
class AlterShareGroupOffsetsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    responses: list[AlterShareGroupOffsetsResponseTopic] = []
