"""DeleteRecords (key 21): moves the start of partitions forward, so that older records are gone."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


class DeleteRecordsPartition(Body):
    partition_index: int32 = 0
    offset: int64 = 0


class DeleteRecordsTopic(Body):
    name: str = ""
    partitions: list[DeleteRecordsPartition] = []


@message("0-2", flexible="2+", key=21)
class DeleteRecordsRequest(Body):
    topics: list[DeleteRecordsTopic] = []
    timeout_ms: int32 = 0


class DeleteRecordsPartitionResult(Body):
    partition_index: int32 = 0
    low_watermark: int64 = 0
    error_code: int16 = 0


class DeleteRecordsTopicResult(Body):
    name: str = ""
    partitions: list[DeleteRecordsPartitionResult] = []


@message("0-2", flexible="2+", key=21)
class DeleteRecordsResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[DeleteRecordsTopicResult] = []
