"""CreatePartitions (key 37): adds partitions to topics."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


class CreatePartitionsAssignment(Body):
    broker_ids: list[int32] = []


class CreatePartitionsTopic(Body):
    name: str = ""
    count: int32 = 0
    assignments: list[CreatePartitionsAssignment] | None = []


@message("0-3", flexible="2+", key=37)
class CreatePartitionsRequest(Body):
    topics: list[CreatePartitionsTopic] = []
    timeout_ms: int32 = 0
    validate_only: bool = False


class CreatePartitionsTopicResult(Body):
    name: str = ""
    error_code: int16 = 0
    error_message: str | None = None


@message("0-3", flexible="2+", key=37)
class CreatePartitionsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[CreatePartitionsTopicResult] = []
