"""OffsetForLeaderEpoch (key 23): where a leader epoch ends in the log: how a reader notices that it followed a lost branch."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class OffsetForLeaderPartition(Body):
    partition: int32 = 0
    current_leader_epoch: int32 = -1
    leader_epoch: int32 = 0


class OffsetForLeaderTopic(Body):
    topic: str = ""
    partitions: list[OffsetForLeaderPartition] = []


@message("2-4", flexible="4+", key=23)
class OffsetForLeaderEpochRequest(Body):
    replica_id: Annotated[int32, In("3+", ignorable=True)] = -2
    topics: list[OffsetForLeaderTopic] = []


class EpochEndOffset(Body):
    error_code: int16 = 0
    partition: int32 = 0
    leader_epoch: int32 = -1
    end_offset: int64 = -1


class OffsetForLeaderTopicResult(Body):
    topic: str = ""
    partitions: list[EpochEndOffset] = []


@message("2-4", flexible="4+", key=23)
class OffsetForLeaderEpochResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[OffsetForLeaderTopicResult] = []
