"""The records of `__remote_log_metadata`: which segments are in remote storage (KIP-405). Key: the record type."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Tag, int8, int32, int64, message


class RemoteLogSegmentMetadataTopicIdPartitionEntry(Body):
    name: str = ""
    id: Uuid = ZERO_UUID
    partition: int32 = 0


class RemoteLogSegmentMetadataRemoteLogSegmentIdEntry(Body):
    topic_id_partition: RemoteLogSegmentMetadataTopicIdPartitionEntry = field(
        default_factory=RemoteLogSegmentMetadataTopicIdPartitionEntry
    )
    id: Uuid = ZERO_UUID


class RemoteLogSegmentMetadataSegmentLeaderEpochEntry(Body):
    leader_epoch: int32 = 0
    offset: int64 = 0


@message("0", flexible="0+", key=0)
class RemoteLogSegmentMetadataRecord(Body):
    remote_log_segment_id: RemoteLogSegmentMetadataRemoteLogSegmentIdEntry = field(
        default_factory=RemoteLogSegmentMetadataRemoteLogSegmentIdEntry
    )
    start_offset: int64 = 0
    end_offset: int64 = 0
    broker_id: int32 = 0
    max_timestamp_ms: int64 = 0
    event_timestamp_ms: int64 = 0
    segment_leader_epochs: list[RemoteLogSegmentMetadataSegmentLeaderEpochEntry] = []
    segment_size_in_bytes: int32 = 0
    custom_metadata: bytes | None = None
    remote_log_segment_state: int8 = 0
    txn_index_empty: Annotated[bool, Tag(0)] = False


class RemoteLogSegmentMetadataUpdateTopicIdPartitionEntry(Body):
    name: str = ""
    id: Uuid = ZERO_UUID
    partition: int32 = 0


class RemoteLogSegmentMetadataUpdateRemoteLogSegmentIdEntry(Body):
    topic_id_partition: RemoteLogSegmentMetadataUpdateTopicIdPartitionEntry = field(
        default_factory=RemoteLogSegmentMetadataUpdateTopicIdPartitionEntry
    )
    id: Uuid = ZERO_UUID


@message("0", flexible="0+", key=1)
class RemoteLogSegmentMetadataUpdateRecord(Body):
    remote_log_segment_id: RemoteLogSegmentMetadataUpdateRemoteLogSegmentIdEntry = field(
        default_factory=RemoteLogSegmentMetadataUpdateRemoteLogSegmentIdEntry
    )
    broker_id: int32 = 0
    event_timestamp_ms: int64 = 0
    custom_metadata: bytes | None = None
    remote_log_segment_state: int8 = 0


class RemotePartitionDeleteMetadataTopicIdPartitionEntry(Body):
    name: str = ""
    id: Uuid = ZERO_UUID
    partition: int32 = 0


@message("0", flexible="0+", key=2)
class RemotePartitionDeleteMetadataRecord(Body):
    topic_id_partition: RemotePartitionDeleteMetadataTopicIdPartitionEntry = field(
        default_factory=RemotePartitionDeleteMetadataTopicIdPartitionEntry
    )
    broker_id: int32 = 0
    event_timestamp_ms: int64 = 0
    remote_partition_delete_state: int8 = 0


class RemoteLogSegmentMetadataSnapshotSegmentLeaderEpochEntry(Body):
    leader_epoch: int32 = 0
    offset: int64 = 0


@message("0", flexible="0+", key=3)
class RemoteLogSegmentMetadataSnapshotRecord(Body):
    segment_id: Uuid = ZERO_UUID
    start_offset: int64 = 0
    end_offset: int64 = 0
    broker_id: int32 = 0
    max_timestamp_ms: int64 = 0
    event_timestamp_ms: int64 = 0
    segment_leader_epochs: list[RemoteLogSegmentMetadataSnapshotSegmentLeaderEpochEntry] = []
    segment_size_in_bytes: int32 = 0
    custom_metadata: bytes | None = None
    remote_log_segment_state: int8 = 0
    txn_index_empty: Annotated[bool, Tag(0)] = False
