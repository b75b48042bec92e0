"""BeginQuorumEpoch (key 53): a new leader of the quorum makes itself known to the voters."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, int16, int32, message, uint16


class PartitionDataRequest(Body):
    partition_index: int32 = 0
    voter_directory_id: Annotated[Uuid, In("1+", ignorable=True)] = ZERO_UUID
    leader_id: int32 = 0
    leader_epoch: int32 = 0


class TopicDataRequest(Body):
    topic_name: str = ""
    partitions: list[PartitionDataRequest] = []


class LeaderEndpoint(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


@message("0-1", flexible="1+", key=53)
class BeginQuorumEpochRequest(Body):
    cluster_id: str | None = None
    voter_id: Annotated[int32, In("1+", ignorable=True)] = -1
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


@message("0-1", flexible="1+", key=53)
class BeginQuorumEpochResponse(Body):
    error_code: int16 = 0
    topics: list[TopicDataResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "1+")] = []
