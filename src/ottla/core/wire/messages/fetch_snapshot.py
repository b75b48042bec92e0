"""FetchSnapshot (key 59): reads a stretch of a metadata snapshot."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Records, Tag, int16, int32, int64, message, uint16


class SnapshotIdRequest(Body):
    end_offset: int64 = 0
    epoch: int32 = 0


class PartitionSnapshotRequest(Body):
    partition: int32 = 0
    current_leader_epoch: int32 = 0
    snapshot_id: SnapshotIdRequest = field(default_factory=SnapshotIdRequest)
    position: int64 = 0
    replica_directory_id: Annotated[Uuid, Tag(0, "1+", ignorable=True)] = ZERO_UUID


class TopicSnapshotRequest(Body):
    name: str = ""
    partitions: list[PartitionSnapshotRequest] = []


@message("0-1", flexible="0+", key=59)
class FetchSnapshotRequest(Body):
    cluster_id: Annotated[str | None, Tag(0)] = None
    replica_id: int32 = -1
    max_bytes: int32 = 2147483647
    topics: list[TopicSnapshotRequest] = []


class SnapshotIdResponse(Body):
    end_offset: int64 = 0
    epoch: int32 = 0


class LeaderIdAndEpoch(Body):
    leader_id: int32 = 0
    leader_epoch: int32 = 0


class PartitionSnapshotResponse(Body):
    index: int32 = 0
    error_code: int16 = 0
    snapshot_id: SnapshotIdResponse = field(default_factory=SnapshotIdResponse)
    current_leader: Annotated[LeaderIdAndEpoch, Tag(0)] = field(default_factory=LeaderIdAndEpoch)
    size: int64 = 0
    position: int64 = 0
    unaligned_records: Records = b""


class TopicSnapshotResponse(Body):
    name: str = ""
    partitions: list[PartitionSnapshotResponse] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: uint16 = 0


@message("0-1", flexible="0+", key=59)
class FetchSnapshotResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    topics: list[TopicSnapshotResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "1+")] = []
