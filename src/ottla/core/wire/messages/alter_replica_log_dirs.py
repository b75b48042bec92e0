"""AlterReplicaLogDirs (key 34): moves replicas between the log directories of a broker."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


class AlterReplicaLogDirTopic(Body):
    name: str = ""
    partitions: list[int32] = []


class AlterReplicaLogDir(Body):
    path: str = ""
    topics: list[AlterReplicaLogDirTopic] = []


@message("1-2", flexible="2+", key=34)
class AlterReplicaLogDirsRequest(Body):
    dirs: list[AlterReplicaLogDir] = []


class AlterReplicaLogDirPartitionResult(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class AlterReplicaLogDirTopicResult(Body):
    topic_name: str = ""
    partitions: list[AlterReplicaLogDirPartitionResult] = []


@message("1-2", flexible="2+", key=34)
class AlterReplicaLogDirsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[AlterReplicaLogDirTopicResult] = []
