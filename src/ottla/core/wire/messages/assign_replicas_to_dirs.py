"""AssignReplicasToDirs (key 73): a broker tells the controller which log directory holds which replica (KIP-858)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, int64, message


class PartitionDataRequest(Body):
    partition_index: int32 = 0


class TopicDataRequest(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionDataRequest] = []


class DirectoryDataRequest(Body):
    id: Uuid = ZERO_UUID
    topics: list[TopicDataRequest] = []


@message("0", flexible="0+", key=73)
class AssignReplicasToDirsRequest(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1
    directories: list[DirectoryDataRequest] = []


class PartitionDataResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class TopicDataResponse(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionDataResponse] = []


class DirectoryDataResponse(Body):
    id: Uuid = ZERO_UUID
    topics: list[TopicDataResponse] = []


@message("0", flexible="0+", key=73)
class AssignReplicasToDirsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    directories: list[DirectoryDataResponse] = []
