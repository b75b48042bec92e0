"""DescribeTopicPartitions (key 75): topics and partitions in pages, with their eligible leader replicas (KIP-966)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


class TopicRequest(Body):
    name: str = ""


class CursorRequest(Body):
    topic_name: str = ""
    partition_index: int32 = 0


@message("0", flexible="0+", key=75)
class DescribeTopicPartitionsRequest(Body):
    topics: list[TopicRequest] = []
    response_partition_limit: int32 = 2000
    cursor: CursorRequest | None = None


class DescribeTopicPartitionsResponsePartition(Body):
    error_code: int16 = 0
    partition_index: int32 = 0
    leader_id: int32 = 0
    leader_epoch: int32 = -1
    replica_nodes: list[int32] = []
    isr_nodes: list[int32] = []
    eligible_leader_replicas: list[int32] | None = None
    last_known_elr: list[int32] | None = None
    offline_replicas: list[int32] = []


class DescribeTopicPartitionsResponseTopic(Body):
    error_code: int16 = 0
    name: str | None = ""
    topic_id: Uuid = ZERO_UUID
    is_internal: bool = False
    partitions: list[DescribeTopicPartitionsResponsePartition] = []
    topic_authorized_operations: int32 = -2147483648


class CursorResponse(Body):
    topic_name: str = ""
    partition_index: int32 = 0


@message("0", flexible="0+", key=75)
class DescribeTopicPartitionsResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[DescribeTopicPartitionsResponseTopic] = []
    next_cursor: CursorResponse | None = None
