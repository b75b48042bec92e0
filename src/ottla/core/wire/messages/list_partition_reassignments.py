"""ListPartitionReassignments (key 46): the partition moves under way."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


class ListPartitionReassignmentsTopics(Body):
    name: str = ""
    partition_indexes: list[int32] = []


@message("0", flexible="0+", key=46)
class ListPartitionReassignmentsRequest(Body):
    timeout_ms: int32 = 60000
    topics: list[ListPartitionReassignmentsTopics] | None = None


class OngoingPartitionReassignment(Body):
    partition_index: int32 = 0
    replicas: list[int32] = []
    adding_replicas: list[int32] = []
    removing_replicas: list[int32] = []


class OngoingTopicReassignment(Body):
    name: str = ""
    partitions: list[OngoingPartitionReassignment] = []


@message("0", flexible="0+", key=46)
class ListPartitionReassignmentsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
    topics: list[OngoingTopicReassignment] = []
