"""TxnOffsetCommit (key 28): commits group offsets inside a transaction."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class TxnOffsetCommitRequestPartition(Body):
    partition_index: int32 = 0
    committed_offset: int64 = 0
    committed_leader_epoch: Annotated[int32, In("2+", ignorable=True)] = -1
    committed_metadata: str | None = ""


class TxnOffsetCommitRequestTopic(Body):
    name: str = ""
    partitions: list[TxnOffsetCommitRequestPartition] = []


@message("0-5", flexible="3+", key=28)
class TxnOffsetCommitRequest(Body):
    transactional_id: str = ""
    group_id: str = ""
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    generation_id: Annotated[int32, In("3+")] = -1
    member_id: Annotated[str, In("3+")] = ""
    group_instance_id: Annotated[str | None, In("3+")] = None
    topics: list[TxnOffsetCommitRequestTopic] = []


class TxnOffsetCommitResponsePartition(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class TxnOffsetCommitResponseTopic(Body):
    name: str = ""
    partitions: list[TxnOffsetCommitResponsePartition] = []


@message("0-5", flexible="3+", key=28)
class TxnOffsetCommitResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[TxnOffsetCommitResponseTopic] = []
