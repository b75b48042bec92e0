"""Fetch (key 1): reads record batches from partitions, as a consumer, a follower or a voter of the quorum."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Records, Tag, int8, int16, int32, int64, message


class ReplicaState(Body):
    replica_id: int32 = -1
    replica_epoch: int64 = -1


class FetchPartition(Body):
    partition: int32 = 0
    current_leader_epoch: Annotated[int32, In("9+", ignorable=True)] = -1
    fetch_offset: int64 = 0
    last_fetched_epoch: Annotated[int32, In("12+")] = -1
    log_start_offset: Annotated[int64, In("5+", ignorable=True)] = -1
    partition_max_bytes: int32 = 0
    replica_directory_id: Annotated[Uuid, Tag(0, "17+", ignorable=True)] = ZERO_UUID
    high_watermark: Annotated[int64, Tag(1, "18+", ignorable=True)] = 9223372036854775807


class FetchTopic(Body):
    topic: Annotated[str, In("4-12", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("13+", ignorable=True)] = ZERO_UUID
    partitions: list[FetchPartition] = []


class ForgottenTopic(Body):
    topic: Annotated[str, In("7-12", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("13+", ignorable=True)] = ZERO_UUID
    partitions: list[int32] = []


@message("4-18", flexible="12+", key=1)
class FetchRequest(Body):
    cluster_id: Annotated[str | None, Tag(0, "12+", ignorable=True)] = None
    replica_id: Annotated[int32, In("4-14")] = -1
    replica_state: Annotated[ReplicaState, Tag(1, "15+")] = field(default_factory=ReplicaState)
    max_wait_ms: int32 = 0
    min_bytes: int32 = 0
    max_bytes: int32 = 2147483647
    isolation_level: int8 = 0
    session_id: Annotated[int32, In("7+", ignorable=True)] = 0
    session_epoch: Annotated[int32, In("7+", ignorable=True)] = -1
    topics: list[FetchTopic] = []
    forgotten_topics_data: Annotated[list[ForgottenTopic], In("7+")] = []
    rack_id: Annotated[str, In("11+", ignorable=True)] = ""


class EpochEndOffset(Body):
    epoch: int32 = -1
    end_offset: int64 = -1


class LeaderIdAndEpoch(Body):
    leader_id: int32 = -1
    leader_epoch: int32 = -1


class SnapshotId(Body):
    end_offset: int64 = -1
    epoch: int32 = -1


class AbortedTransaction(Body):
    producer_id: int64 = 0
    first_offset: int64 = 0


class PartitionData(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    high_watermark: int64 = 0
    last_stable_offset: int64 = -1
    log_start_offset: Annotated[int64, In("5+", ignorable=True)] = -1
    diverging_epoch: Annotated[EpochEndOffset, Tag(0, "12+")] = field(default_factory=EpochEndOffset)
    current_leader: Annotated[LeaderIdAndEpoch, Tag(1, "12+")] = field(default_factory=LeaderIdAndEpoch)
    snapshot_id: Annotated[SnapshotId, Tag(2, "12+")] = field(default_factory=SnapshotId)
    aborted_transactions: list[AbortedTransaction] | None = []
    preferred_read_replica: Annotated[int32, In("11+")] = -1
    records: Records | None = None


class FetchableTopicResponse(Body):
    topic: Annotated[str, In("4-12", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("13+", ignorable=True)] = ZERO_UUID
    partitions: list[PartitionData] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: str | None = None


@message("4-18", flexible="12+", key=1)
class FetchResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: Annotated[int16, In("7+", ignorable=True)] = 0
    session_id: Annotated[int32, In("7+")] = 0
    responses: list[FetchableTopicResponse] = []
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "16+")] = []
