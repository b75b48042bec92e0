"""Records of `__consumer_offsets` about consumer groups (KIP-848). Key: the record type."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Tag, int8, int32, int64, message


@message("0", key=3)
class ConsumerGroupMetadataKey(Body):
    group_id: str = ""


@message("0", flexible="0+", key=3)
class ConsumerGroupMetadataValue(Body):
    epoch: int32 = 0
    metadata_hash: Annotated[int64, Tag(0)] = 0


@message("0", key=4)
class ConsumerGroupPartitionMetadataKey(Body):
    group_id: str = ""


class PartitionMetadata(Body):
    partition: int32 = 0
    racks: list[str] = []


class TopicMetadata(Body):
    topic_id: Uuid = ZERO_UUID
    topic_name: str = ""
    num_partitions: int32 = 0
    partition_metadata: list[PartitionMetadata] = []


@message("0", flexible="0+", key=4)
class ConsumerGroupPartitionMetadataValue(Body):
    topics: list[TopicMetadata] = []


@message("0", key=5)
class ConsumerGroupMemberMetadataKey(Body):
    group_id: str = ""
    member_id: str = ""


class ClassicProtocol(Body):
    name: str = ""
    metadata: bytes = b""


class ClassicMemberMetadata(Body):
    session_timeout_ms: int32 = 0
    supported_protocols: list[ClassicProtocol] = []


@message("0", flexible="0+", key=5)
class ConsumerGroupMemberMetadataValue(Body):
    instance_id: str | None = ""
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    subscribed_topic_regex: str | None = ""
    rebalance_timeout_ms: int32 = -1
    server_assignor: str | None = ""
    classic_member_metadata: Annotated[ClassicMemberMetadata | None, Tag(0)] = field(
        default_factory=ClassicMemberMetadata
    )


@message("0", key=6)
class ConsumerGroupTargetAssignmentMetadataKey(Body):
    group_id: str = ""


@message("0", flexible="0+", key=6)
class ConsumerGroupTargetAssignmentMetadataValue(Body):
    assignment_epoch: int32 = 0
    assignment_timestamp: Annotated[int64, Tag(0)] = 0


@message("0", key=7)
class ConsumerGroupTargetAssignmentMemberKey(Body):
    group_id: str = ""
    member_id: str = ""


class TopicPartition(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


@message("0", flexible="0+", key=7)
class ConsumerGroupTargetAssignmentMemberValue(Body):
    topic_partitions: list[TopicPartition] = []


@message("0", key=8)
class ConsumerGroupCurrentMemberAssignmentKey(Body):
    group_id: str = ""
    member_id: str = ""


class TopicPartitions(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []
    assignment_epochs: Annotated[list[int32] | None, Tag(0)] = []


@message("0", flexible="0+", key=8)
class ConsumerGroupCurrentMemberAssignmentValue(Body):
    member_epoch: int32 = 0
    previous_member_epoch: int32 = 0
    state: int8 = 0
    assigned_partitions: list[TopicPartitions] = []
    partitions_pending_revocation: list[TopicPartitions] = []


@message("0", key=16)
class ConsumerGroupRegularExpressionKey(Body):
    group_id: str = ""
    regular_expression: str = ""


@message("0", flexible="0+", key=16)
class ConsumerGroupRegularExpressionValue(Body):
    topics: list[str] = []
    version: int64 = 0
    timestamp: int64 = 0
