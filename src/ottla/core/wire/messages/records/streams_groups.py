"""Records of `__consumer_offsets` about streams groups (KIP-1071). Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, Tag, int8, int16, int32, int64, message, uint16


@message("0", key=17)
class StreamsGroupMetadataKey(Body):
    group_id: str = ""


class LastAssignmentConfig(Body):
    key: str = ""
    value: str = ""


@message("0", flexible="0+", key=17)
class StreamsGroupMetadataValue(Body):
    epoch: int32 = 0
    metadata_hash: int64 = 0
    validated_topology_epoch: Annotated[int32, Tag(0)] = -1
    last_assignment_configs: Annotated[list[LastAssignmentConfig] | None, Tag(1)] = []


@message("0", key=19)
class StreamsGroupMemberMetadataKey(Body):
    group_id: str = ""
    member_id: str = ""


class Endpoint(Body):
    host: str = ""
    port: uint16 = 0


class KeyValue(Body):
    key: str = ""
    value: str = ""


@message("0", flexible="0+", key=19)
class StreamsGroupMemberMetadataValue(Body):
    instance_id: str | None = ""
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int32 = -1
    topology_epoch: int32 = 0
    process_id: str = ""
    user_endpoint: Endpoint | None = None
    client_tags: list[KeyValue] = []


@message("0", key=20)
class StreamsGroupTargetAssignmentMetadataKey(Body):
    group_id: str = ""


@message("0", flexible="0+", key=20)
class StreamsGroupTargetAssignmentMetadataValue(Body):
    assignment_epoch: int32 = 0
    assignment_timestamp: Annotated[int64, Tag(0)] = 0


@message("0", key=21)
class StreamsGroupTargetAssignmentMemberKey(Body):
    group_id: str = ""
    member_id: str = ""


class StreamsGroupTargetAssignmentMemberTaskIds(Body):
    subtopology_id: str = ""
    partitions: list[int32] = []


@message("0", flexible="0+", key=21)
class StreamsGroupTargetAssignmentMemberValue(Body):
    active_tasks: list[StreamsGroupTargetAssignmentMemberTaskIds] = []
    standby_tasks: list[StreamsGroupTargetAssignmentMemberTaskIds] = []
    warmup_tasks: list[StreamsGroupTargetAssignmentMemberTaskIds] = []


@message("0", key=22)
class StreamsGroupCurrentMemberAssignmentKey(Body):
    group_id: str = ""
    member_id: str = ""


class StreamsGroupCurrentMemberAssignmentTaskIds(Body):
    subtopology_id: str = ""
    partitions: list[int32] = []
    assignment_epochs: Annotated[list[int32] | None, Tag(0)] = []


@message("0", flexible="0+", key=22)
class StreamsGroupCurrentMemberAssignmentValue(Body):
    member_epoch: int32 = 0
    previous_member_epoch: int32 = 0
    state: int8 = 0
    active_tasks: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []
    standby_tasks: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []
    warmup_tasks: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []
    active_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []
    standby_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []
    warmup_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentTaskIds] = []


@message("0", key=23)
class StreamsGroupTopologyKey(Body):
    group_id: str = ""


class TopicConfig(Body):
    key: str = ""
    value: str = ""


class TopicInfo(Body):
    name: str = ""
    partitions: int32 = 0
    replication_factor: int16 = 0
    topic_configs: list[TopicConfig] = []


class CopartitionGroup(Body):
    source_topics: list[int16] = []
    source_topic_regex: list[int16] = []
    repartition_source_topics: list[int16] = []


class Subtopology(Body):
    subtopology_id: str = ""
    source_topics: list[str] = []
    source_topic_regex: list[str] = []
    state_changelog_topics: list[TopicInfo] = []
    repartition_sink_topics: list[str] = []
    repartition_source_topics: list[TopicInfo] = []
    copartition_groups: list[CopartitionGroup] = []


@message("0", flexible="0+", key=23)
class StreamsGroupTopologyValue(Body):
    epoch: int32 = 0
    subtopologies: list[Subtopology] = []
