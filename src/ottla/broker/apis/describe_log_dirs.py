"""DescribeLogDirs (key 35): what lies in each log directory of this broker.

Versions: 3 an error of the whole request; 4 total and usable bytes of the volume; 5 whether the directory takes no new
partitions (KIP-1066).
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.log import Log
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(services: Services, context: Context, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse:
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.CLUSTER, CLUSTER_NAME):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    wanted = None
    if request.topics is not None:
        wanted = {(topic.topic, index) for topic in request.topics for index in topic.partitions}
    return DescribeLogDirsResponse(
        results=[_describe(services, directory, wanted) for directory in services.store.directories]
    )


def _describe(
    services: Services, directory: LogDirectory, wanted: set[tuple[str, int]] | None
) -> DescribeLogDirsResult:
    result = DescribeLogDirsResult(log_dir=directory.path)
    if not directory.online:
        result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return result
    try:
        result.total_bytes, result.usable_bytes = services.world.disk.usage(directory.path)
    except OSError:
        result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return result
    result.is_cordoned = directory.path in services.settings.cordoned_log_dirs
    topics: dict[str, DescribeLogDirsTopic] = {}
    for log, future in _logs(services):
        if log.directory is directory and (wanted is None or (log.topic, log.partition) in wanted):
            topic = topics.setdefault(log.topic, DescribeLogDirsTopic(name=log.topic))
            topic.partitions.append(
                DescribeLogDirsPartition(
                    partition_index=log.partition,
                    partition_size=log.size,
                    offset_lag=_lag(services, log, future),
                    is_future_key=future,
                )
            )
    result.topics = list(topics.values())
    return result


def _logs(services: Services) -> list[tuple[Log, bool]]:
    store = services.store
    return [*((log, False) for log in store.logs()), *((log, True) for log in store.futures())]


def _lag(services: Services, log: Log, future: bool) -> int:
    """How far the log is behind: a copy behind its original, a replica behind what is committed."""
    if future:
        original = services.store.get(log.topic, log.partition)
        return 0 if original is None else original.end_offset - log.end_offset
    return max(log.high_watermark - log.end_offset, 0)
