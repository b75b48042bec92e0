"""OffsetFetch (key 9): reads back how far groups have read."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Nullable, int16, int32, int64, message


class OffsetFetchRequestTopic(Body):
    name: str = ""
    partition_indexes: list[int32] = []


class OffsetFetchRequestTopics(Body):
    name: Annotated[str, In("8-9", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    partition_indexes: list[int32] = []


class OffsetFetchRequestGroup(Body):
    group_id: str = ""
    member_id: Annotated[str | None, In("9+", ignorable=True)] = None
    member_epoch: Annotated[int32, In("9+", ignorable=True)] = -1
    topics: list[OffsetFetchRequestTopics] | None = []


@message("1-10", flexible="6+", key=9)
class OffsetFetchRequest(Body):
    group_id: Annotated[str, In("1-7")] = ""
    topics: Annotated[list[OffsetFetchRequestTopic] | None, In("1-7"), Nullable("2-7")] = []
    groups: Annotated[list[OffsetFetchRequestGroup], In("8+")] = []
    require_stable: Annotated[bool, In("7+")] = False


class OffsetFetchResponsePartition(Body):
    partition_index: int32 = 0
    committed_offset: int64 = 0
    committed_leader_epoch: Annotated[int32, In("5-7", ignorable=True)] = -1
    metadata: str | None = ""
    error_code: int16 = 0


class OffsetFetchResponseTopic(Body):
    name: str = ""
    partitions: list[OffsetFetchResponsePartition] = []


class OffsetFetchResponsePartitions(Body):
    partition_index: int32 = 0
    committed_offset: int64 = 0
    committed_leader_epoch: int32 = -1
    metadata: str | None = ""
    error_code: int16 = 0


class OffsetFetchResponseTopics(Body):
    name: Annotated[str, In("8-9", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    partitions: list[OffsetFetchResponsePartitions] = []


class OffsetFetchResponseGroup(Body):
    group_id: str = ""
    topics: list[OffsetFetchResponseTopics] = []
    error_code: int16 = 0


@message("1-10", flexible="6+", key=9)
class OffsetFetchResponse(Body):
    throttle_time_ms: Annotated[int32, In("3+", ignorable=True)] = 0
    topics: Annotated[list[OffsetFetchResponseTopic], In("1-7")] = []
    error_code: Annotated[int16, In("2-7", ignorable=True)] = 0
    groups: Annotated[list[OffsetFetchResponseGroup], In("8+")] = []
