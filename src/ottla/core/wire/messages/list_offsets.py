"""ListOffsets (key 2): finds the offset for a timestamp, or for a special one: latest, earliest, the newest record …"""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, int64, message


class ListOffsetsPartition(Body):
    partition_index: int32 = 0
    current_leader_epoch: Annotated[int32, In("4+", ignorable=True)] = -1
    timestamp: int64 = 0


class ListOffsetsTopic(Body):
    name: str = ""
    partitions: list[ListOffsetsPartition] = []


@message("1-11", flexible="6+", key=2)
class ListOffsetsRequest(Body):
    replica_id: int32 = 0
    isolation_level: Annotated[int8, In("2+")] = 0
    topics: list[ListOffsetsTopic] = []
    timeout_ms: Annotated[int32, In("10+", ignorable=True)] = 0


class ListOffsetsPartitionResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    timestamp: int64 = -1
    offset: int64 = -1
    leader_epoch: Annotated[int32, In("4+")] = -1


class ListOffsetsTopicResponse(Body):
    name: str = ""
    partitions: list[ListOffsetsPartitionResponse] = []


@message("1-11", flexible="6+", key=2)
class ListOffsetsResponse(Body):
    throttle_time_ms: Annotated[int32, In("2+", ignorable=True)] = 0
    topics: list[ListOffsetsTopicResponse] = []
