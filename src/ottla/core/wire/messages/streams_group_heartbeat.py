"""StreamsGroupHeartbeat (key 88): everything a member of a streams group says and learns (KIP-1071)."""

from __future__ import annotations

from msgspec import field

from ottla.core.wire.declaration import Body, int8, int16, int32, int64, message, uint16


class KeyValue(Body):
    key: str = ""
    value: str = ""


class TopicInfo(Body):
    name: str = ""
    partitions: int32 = 0
    replication_factor: int16 = 0
    topic_configs: list[KeyValue] = []


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


class Topology(Body):
    epoch: int32 = 0
    subtopologies: list[Subtopology] = []


class TaskIdsRequest(Body):
    subtopology_id: str = ""
    partitions: list[int32] = []


class EndpointRequest(Body):
    host: str = ""
    port: uint16 = 0


class TaskOffset(Body):
    subtopology_id: str = ""
    partition: int32 = 0
    offset: int64 = 0


@message("0", flexible="0+", key=88)
class StreamsGroupHeartbeatRequest(Body):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int32 = 0
    endpoint_information_epoch: int32 = 0
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int32 = -1
    topology: Topology | None = None
    active_tasks: list[TaskIdsRequest] | None = None
    standby_tasks: list[TaskIdsRequest] | None = None
    warmup_tasks: list[TaskIdsRequest] | None = None
    process_id: str | None = None
    user_endpoint: EndpointRequest | None = None
    client_tags: list[KeyValue] | None = None
    task_offsets: list[TaskOffset] | None = None
    task_end_offsets: list[TaskOffset] | None = None
    shutdown_application: bool = False


class Status(Body):
    status_code: int8 = 0
    status_detail: str = ""


class TaskIdsResponse(Body):
    subtopology_id: str = ""
    partitions: list[int32] = []


class EndpointResponse(Body):
    host: str = ""
    port: uint16 = 0


class TopicPartition(Body):
    topic: str = ""
    partitions: list[int32] = []


class EndpointToPartitions(Body):
    user_endpoint: EndpointResponse = field(default_factory=EndpointResponse)
    active_partitions: list[TopicPartition] = []
    standby_partitions: list[TopicPartition] = []


@message("0", flexible="0+", key=88)
class StreamsGroupHeartbeatResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    member_id: str = ""
    member_epoch: int32 = 0
    heartbeat_interval_ms: int32 = 0
    acceptable_recovery_lag: int32 = 0
    task_offset_interval_ms: int32 = 0
    status: list[Status] | None = []
    active_tasks: list[TaskIdsResponse] | None = None
    standby_tasks: list[TaskIdsResponse] | None = None
    warmup_tasks: list[TaskIdsResponse] | None = None
    endpoint_information_epoch: int32 = 0
    partitions_by_user_endpoint: list[EndpointToPartitions] | None = None
