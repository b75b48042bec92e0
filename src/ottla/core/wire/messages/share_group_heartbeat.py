"""ShareGroupHeartbeat (key 76): everything a member of a share group says and learns (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


@message("1", flexible="1+", key=76)
class ShareGroupHeartbeatRequest(Body):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int32 = 0
    rack_id: str | None = None
    subscribed_topic_names: list[str] | None = None


class TopicPartitions(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


class Assignment(Body):
    topic_partitions: list[TopicPartitions] = []


@message("1", flexible="1+", key=76)
class ShareGroupHeartbeatResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    member_id: str | None = None
    member_epoch: int32 = 0
    heartbeat_interval_ms: int32 = 0
    assignment: Assignment | None = None
