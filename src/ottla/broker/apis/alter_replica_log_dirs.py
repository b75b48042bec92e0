"""AlterReplicaLogDirs (key 34): move replicas to other log directories of this broker (KIP-113).

Behaviour: the answer says that a move has begun, not that it has ended; DescribeLogDirs shows the copy growing. A directory
that is not in `log.dirs` is LOG_DIR_NOT_FOUND, one that takes no new replicas INVALID_REPLICA_ASSIGNMENT, a replica that
is not here REPLICA_NOT_AVAILABLE.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.storage.directory import LogDirectory
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from ottla.core.wire.permissions import Operation, ResourceType

LONGEST_NAME: Final = 255 - len("-.") - 32 - len("-future")
"""Bytes of topic and partition number that leave room for the name of a copy's directory."""


def handle(
    services: Services, context: Context, request: AlterReplicaLogDirsRequest
) -> AlterReplicaLogDirsResponse:
    if not services.authorizer.allows(context, Operation.ALTER, ResourceType.CLUSTER, CLUSTER_NAME):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    results: dict[str, dict[int, AlterReplicaLogDirPartitionResult]] = {}
    for wanted in request.dirs:
        for topic in wanted.topics:
            for index in topic.partitions:
                answer = AlterReplicaLogDirPartitionResult(partition_index=index)
                try:
                    _move(services, topic.name, index, wanted.path)
                except KafkaError as error:
                    answer.error_code = error.code
                results.setdefault(topic.name, {})[index] = answer
    return AlterReplicaLogDirsResponse(
        results=[
            AlterReplicaLogDirTopicResult(topic_name=name, partitions=list(answers.values()))
            for name, answers in results.items()
        ]
    )


def _move(services: Services, topic: str, index: int, path: str) -> None:
    if len(f"{topic}{index}") > LONGEST_NAME:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic name is too long.")
    directory = _directory(services, path)
    partition = services.partitions.find(topic, index)
    if partition is None:
        raise KafkaError(ErrorCode.REPLICA_NOT_AVAILABLE, f"This broker holds no replica of {topic}-{index}")
    if partition.log is None or not partition.log.directory.online:
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{partition.name} is offline")
    services.store.move(topic, index, directory)


def _directory(services: Services, path: str) -> LogDirectory:
    for directory in services.store.directories:
        if directory.path == path:
            directory.check_online()
            if path in services.settings.cordoned_log_dirs:
                raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"Log directory {path} is cordoned")
            return directory
    raise KafkaError(ErrorCode.LOG_DIR_NOT_FOUND, f"Log directory {path} is not one of log.dirs")
