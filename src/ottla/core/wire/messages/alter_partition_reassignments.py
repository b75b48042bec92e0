"""AlterPartitionReassignments (key 45): moves partitions to other brokers, or stops such moves."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


class ReassignablePartition(Body):
    partition_index: int32 = 0
    replicas: list[int32] | None = None


class ReassignableTopic(Body):
    name: str = ""
    partitions: list[ReassignablePartition] = []


@message("0-1", flexible="0+", key=45)
class AlterPartitionReassignmentsRequest(Body):
    timeout_ms: int32 = 60000
    allow_replication_factor_change: Annotated[bool, In("1+")] = True
    topics: list[ReassignableTopic] = []


class ReassignablePartitionResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""


class ReassignableTopicResponse(Body):
    name: str = ""
    partitions: list[ReassignablePartitionResponse] = []


@message("0-1", flexible="0+", key=45)
class AlterPartitionReassignmentsResponse(Body):
    throttle_time_ms: int32 = 0
    allow_replication_factor_change: Annotated[bool, In("1+", ignorable=True)] = True
    error_code: int16 = 0
    error_message: str | None = ""
    responses: list[ReassignableTopicResponse] = []
