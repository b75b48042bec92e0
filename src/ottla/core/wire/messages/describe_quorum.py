"""DescribeQuorum (key 55): the leader, voters and observers of the quorum, and how far each has read."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message, uint16


class PartitionDataRequest(Body):
    partition_index: int32 = 0


class TopicDataRequest(Body):
    topic_name: str = ""
    partitions: list[PartitionDataRequest] = []


@message("0-2", flexible="0+", key=55)
class DescribeQuorumRequest(Body):
    topics: list[TopicDataRequest] = []


class ReplicaState(Body):
    replica_id: int32 = 0
    replica_directory_id: Annotated[Uuid, In("2+")] = ZERO_UUID
    log_end_offset: int64 = 0
    last_fetch_timestamp: Annotated[int64, In("1+", ignorable=True)] = -1
    last_caught_up_timestamp: Annotated[int64, In("1+", ignorable=True)] = -1


class PartitionDataResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: Annotated[str | None, In("2+", ignorable=True)] = ""
    leader_id: int32 = 0
    leader_epoch: int32 = 0
    high_watermark: int64 = 0
    current_voters: list[ReplicaState] = []
    observers: list[ReplicaState] = []


class TopicDataResponse(Body):
    topic_name: str = ""
    partitions: list[PartitionDataResponse] = []


class Listener(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


class Node(Body):
    node_id: int32 = 0
    listeners: list[Listener] = []


@message("0-2", flexible="0+", key=55)
class DescribeQuorumResponse(Body):
    error_code: int16 = 0
    error_message: Annotated[str | None, In("2+", ignorable=True)] = ""
    topics: list[TopicDataResponse] = []
    nodes: Annotated[list[Node], In("2+")] = []
