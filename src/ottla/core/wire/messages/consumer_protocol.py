"""What a consumer puts into a classic group's protocol metadata and assignment, behind an int16 version."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int32, message


class ConsumerProtocolSubscriptionTopicPartition(Body):
    topic: str = ""
    partitions: list[int32] = []


@message("0-3")
class ConsumerProtocolSubscription(Body):
    topics: list[str] = []
    user_data: bytes | None = None
    owned_partitions: Annotated[
        list[ConsumerProtocolSubscriptionTopicPartition], In("1+", ignorable=True)
    ] = []
    generation_id: Annotated[int32, In("2+", ignorable=True)] = -1
    rack_id: Annotated[str | None, In("3+", ignorable=True)] = None


class ConsumerProtocolAssignmentTopicPartition(Body):
    topic: str = ""
    partitions: list[int32] = []


@message("0-3")
class ConsumerProtocolAssignment(Body):
    assigned_partitions: list[ConsumerProtocolAssignmentTopicPartition] = []
    user_data: bytes | None = None
