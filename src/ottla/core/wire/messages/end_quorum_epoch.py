"""EndQuorumEpoch (key 54): a leader of the quorum steps down and names who should follow."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, int16, int32, message, uint16


class ReplicaInfo(Body):
    candidate_id: int32 = 0
    candidate_directory_id: Uuid = ZERO_UUID


class PartitionDataRequest(Body):
    partition_index: int32 = 0
    leader_id: int32 = 0
    leader_epoch: int32 = 0
    preferred_successors: Annotated[list[int32], In("0", ignorable=True)] = []
    preferred_candidates: Annotated[list[ReplicaInfo], In("1+", ignorable=True)] = []


class TopicDataRequest(Body):
    topic_name: str = ""
    partitions: list[PartitionDataRequest] = []


class LeaderEndpoint(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


@message("0-1", flexible="1+", key=54)
class EndQuorumEpochRequest(Body):
    cluster_id: str | None = None
    topics: list[TopicDataRequest] = []
    leader_endpoints: Annotated[list[LeaderEndpoint], In("1+", ignorable=True)] = []


class PartitionDataResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    leader_id: int32 = 0
    leader_epoch: int32 = 0


class TopicDataResponse(Body):
    topic_name: str = ""
    partitions: list[PartitionDataResponse] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: uint16 = 0


@message("0-1", flexible="1+", key=54)
class EndQuorumEpochResponse(Body):
    error_code: int16 = 0
    topics: list[TopicDataResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "1+")] = []
