"""Vote (key 52): a candidate asks a voter of the quorum for its vote, or first whether it would give it."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, int16, int32, int64, message, uint16


class PartitionDataRequest(Body):
    partition_index: int32 = 0
    replica_epoch: int32 = 0
    replica_id: int32 = 0
    replica_directory_id: Annotated[Uuid, In("1+", ignorable=True)] = ZERO_UUID
    voter_directory_id: Annotated[Uuid, In("1+", ignorable=True)] = ZERO_UUID
    last_offset_epoch: int32 = 0
    last_offset: int64 = 0
    pre_vote: Annotated[bool, In("2+")] = False


class TopicDataRequest(Body):
    topic_name: str = ""
    partitions: list[PartitionDataRequest] = []


@message("0-2", flexible="0+", key=52)
class VoteRequest(Body):
    cluster_id: str | None = None
    voter_id: Annotated[int32, In("1+", ignorable=True)] = -1
    topics: list[TopicDataRequest] = []


class PartitionDataResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    leader_id: int32 = 0
    leader_epoch: int32 = 0
    vote_granted: bool = False


class TopicDataResponse(Body):
    topic_name: str = ""
    partitions: list[PartitionDataResponse] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: uint16 = 0


@message("0-2", flexible="0+", key=52)
class VoteResponse(Body):
    error_code: int16 = 0
    topics: list[TopicDataResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "1+")] = []
