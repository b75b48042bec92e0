"""OffsetDelete (key 47): forgets the offsets of a group for some partitions."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


class OffsetDeleteRequestPartition(Body):
    partition_index: int32 = 0


class OffsetDeleteRequestTopic(Body):
    name: str = ""
    partitions: list[OffsetDeleteRequestPartition] = []


@message("0", key=47)
class OffsetDeleteRequest(Body):
    group_id: str = ""
    topics: list[OffsetDeleteRequestTopic] = []


class OffsetDeleteResponsePartition(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class OffsetDeleteResponseTopic(Body):
    name: str = ""
    partitions: list[OffsetDeleteResponsePartition] = []


@message("0", key=47)
class OffsetDeleteResponse(Body):
    error_code: int16 = 0
    throttle_time_ms: int32 = 0
    topics: list[OffsetDeleteResponseTopic] = []
