"""ShareGroupDescribe (key 77): state and members of share groups (KIP-932)."""

from __future__ import annotations

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


@message("1", flexible="1+", key=77)
class ShareGroupDescribeRequest(Body):
    group_ids: list[str] = []
    include_authorized_operations: bool = False


class TopicPartitions(Body):
    topic_id: Uuid = ZERO_UUID
    topic_name: str = ""
    partitions: list[int32] = []


class Assignment(Body):
    topic_partitions: list[TopicPartitions] = []


class Member(Body):
    member_id: str = ""
    rack_id: str | None = None
    member_epoch: int32 = 0
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    assignment: Assignment = field(default_factory=Assignment)


class DescribedGroup(Body):
    error_code: int16 = 0
    error_message: str | None = None
    group_id: str = ""
    group_state: str = ""
    group_epoch: int32 = 0
    assignment_epoch: int32 = 0
    assignor_name: str = ""
    members: list[Member] = []
    authorized_operations: int32 = -2147483648


@message("1", flexible="1+", key=77)
class ShareGroupDescribeResponse(Body):
    throttle_time_ms: int32 = 0
    groups: list[DescribedGroup] = []
