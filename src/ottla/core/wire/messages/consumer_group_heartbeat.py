"""ConsumerGroupHeartbeat (key 68): everything a member of a consumer group says and learns (KIP-848)."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, message


class TopicPartitionsRequest(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


@message("0-1", flexible="0+", key=68)
class ConsumerGroupHeartbeatRequest(Body):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int32 = 0
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int32 = -1
    subscribed_topic_names: list[str] | None = None
    subscribed_topic_regex: Annotated[str | None, In("1+")] = None
    server_assignor: str | None = None
    topic_partitions: list[TopicPartitionsRequest] | None = None


class TopicPartitionsResponse(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


class Assignment(Body):
    topic_partitions: list[TopicPartitionsResponse] = []


@message("0-1", flexible="0+", key=68)
class ConsumerGroupHeartbeatResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    member_id: str | None = None
    member_epoch: int32 = 0
    heartbeat_interval_ms: int32 = 0
    assignment: Assignment | None = None
