"""DescribeLogDirs (key 35): the log directories of a broker, with their replicas and free space."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class DescribableLogDirTopic(Body):
    topic: str = ""
    partitions: list[int32] = []


@message("1-5", flexible="2+", key=35)
class DescribeLogDirsRequest(Body):
    topics: list[DescribableLogDirTopic] | None = []


class DescribeLogDirsPartition(Body):
    partition_index: int32 = 0
    partition_size: int64 = 0
    offset_lag: int64 = 0
    is_future_key: bool = False


class DescribeLogDirsTopic(Body):
    name: str = ""
    partitions: list[DescribeLogDirsPartition] = []


class DescribeLogDirsResult(Body):
    error_code: int16 = 0
    log_dir: str = ""
    topics: list[DescribeLogDirsTopic] = []
    total_bytes: Annotated[int64, In("4+", ignorable=True)] = -1
    usable_bytes: Annotated[int64, In("4+", ignorable=True)] = -1
    is_cordoned: Annotated[bool, In("5+", ignorable=True)] = False


@message("1-5", flexible="2+", key=35)
class DescribeLogDirsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: Annotated[int16, In("3+", ignorable=True)] = 0
    results: list[DescribeLogDirsResult] = []
