"""ElectLeaders (key 43): gives partitions their preferred leader back, or any leader at all."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


class TopicPartitions(Body):
    topic: str = ""
    partitions: list[int32] = []


@message("0-2", flexible="2+", key=43)
class ElectLeadersRequest(Body):
    election_type: Annotated[int8, In("1+")] = 0
    topic_partitions: list[TopicPartitions] | None = []
    timeout_ms: int32 = 60000


class PartitionResult(Body):
    partition_id: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""


class ReplicaElectionResult(Body):
    topic: str = ""
    partition_result: list[PartitionResult] = []


@message("0-2", flexible="2+", key=43)
class ElectLeadersResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: Annotated[int16, In("1+")] = 0
    replica_election_results: list[ReplicaElectionResult] = []
