"""Records of `__consumer_offsets` about share groups (KIP-932). Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Tag, int8, int32, int64, message


@message("0", key=10)
class ShareGroupMemberMetadataKey(Body):
    group_id: str = ""
    member_id: str = ""


@message("0", flexible="0+", key=10)
class ShareGroupMemberMetadataValue(Body):
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []


@message("0", key=11)
class ShareGroupMetadataKey(Body):
    group_id: str = ""


@message("0", flexible="0+", key=11)
class ShareGroupMetadataValue(Body):
    epoch: int32 = 0
    metadata_hash: int64 = 0


@message("0", key=12)
class ShareGroupTargetAssignmentMetadataKey(Body):
    group_id: str = ""


@message("0", flexible="0+", key=12)
class ShareGroupTargetAssignmentMetadataValue(Body):
    assignment_epoch: int32 = 0
    assignment_timestamp: Annotated[int64, Tag(0)] = 0


@message("0", key=13)
class ShareGroupTargetAssignmentMemberKey(Body):
    group_id: str = ""
    member_id: str = ""


class TopicPartition(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


@message("0", flexible="0+", key=13)
class ShareGroupTargetAssignmentMemberValue(Body):
    topic_partitions: list[TopicPartition] = []


@message("0", key=14)
class ShareGroupCurrentMemberAssignmentKey(Body):
    group_id: str = ""
    member_id: str = ""


class TopicPartitions(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


@message("0", flexible="0+", key=14)
class ShareGroupCurrentMemberAssignmentValue(Body):
    member_epoch: int32 = 0
    previous_member_epoch: int32 = 0
    state: int8 = 0
    assigned_partitions: list[TopicPartitions] = []


@message("0", key=15)
class ShareGroupStatePartitionMetadataKey(Body):
    group_id: str = ""


class TopicPartitionsInfo(Body):
    topic_id: Uuid = ZERO_UUID
    topic_name: str = ""
    partitions: list[int32] = []


class TopicInfo(Body):
    topic_id: Uuid = ZERO_UUID
    topic_name: str = ""


@message("0", flexible="0+", key=15)
class ShareGroupStatePartitionMetadataValue(Body):
    initializing_topics: list[TopicPartitionsInfo] = []
    initialized_topics: list[TopicPartitionsInfo] = []
    deleting_topics: list[TopicInfo] = []
