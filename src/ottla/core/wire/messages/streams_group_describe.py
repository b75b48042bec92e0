"""StreamsGroupDescribe (key 89): state, members and topology of streams groups (KIP-1071)."""

from __future__ import annotations

from msgspec import field

from ottla.core.wire.declaration import Body, int16, int32, int64, message, uint16


@message("0", flexible="0+", key=89)
class StreamsGroupDescribeRequest(Body):
    group_ids: list[str] = []
    include_authorized_operations: bool = False


class KeyValue(Body):
    key: str = ""
    value: str = ""


class TopicInfo(Body):
    name: str = ""
    partitions: int32 = 0
    replication_factor: int16 = 0
    topic_configs: list[KeyValue] = []


class Subtopology(Body):
    subtopology_id: str = ""
    source_topics: list[str] = []
    repartition_sink_topics: list[str] = []
    state_changelog_topics: list[TopicInfo] = []
    repartition_source_topics: list[TopicInfo] = []


class Topology(Body):
    epoch: int32 = 0
    subtopologies: list[Subtopology] | None = None


class Endpoint(Body):
    host: str = ""
    port: uint16 = 0


class TaskOffset(Body):
    subtopology_id: str = ""
    partition: int32 = 0
    offset: int64 = 0


class TaskIds(Body):
    subtopology_id: str = ""
    partitions: list[int32] = []


class Assignment(Body):
    active_tasks: list[TaskIds] = []
    standby_tasks: list[TaskIds] = []
    warmup_tasks: list[TaskIds] = []


class Member(Body):
    member_id: str = ""
    member_epoch: int32 = 0
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topology_epoch: int32 = 0
    process_id: str = ""
    user_endpoint: Endpoint | None = None
    client_tags: list[KeyValue] = []
    task_offsets: list[TaskOffset] = []
    task_end_offsets: list[TaskOffset] = []
    assignment: Assignment = field(default_factory=Assignment)
    target_assignment: Assignment = field(default_factory=Assignment)
    is_classic: bool = False


class DescribedGroup(Body):
    error_code: int16 = 0
    error_message: str | None = None
    group_id: str = ""
    group_state: str = ""
    group_epoch: int32 = 0
    assignment_epoch: int32 = 0
    topology: Topology | None = None
    members: list[Member] = []
    authorized_operations: int32 = -2147483648


@message("0", flexible="0+", key=89)
class StreamsGroupDescribeResponse(Body):
    throttle_time_ms: int32 = 0
    groups: list[DescribedGroup] = []
