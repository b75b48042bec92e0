"""ConsumerGroupDescribe (key 69): state and members of consumer groups (KIP-848)."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


@message("0-1", flexible="0+", key=69)
class ConsumerGroupDescribeRequest(Body):
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
    instance_id: str | None = None
    rack_id: str | None = None
    member_epoch: int32 = 0
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    subscribed_topic_regex: str | None = None
    assignment: Assignment = field(default_factory=Assignment)
    target_assignment: Assignment = field(default_factory=Assignment)
    member_type: Annotated[int8, In("1+", ignorable=True)] = -1


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


@message("0-1", flexible="0+", key=69)
class ConsumerGroupDescribeResponse(Body):
    throttle_time_ms: int32 = 0
    groups: list[DescribedGroup] = []
