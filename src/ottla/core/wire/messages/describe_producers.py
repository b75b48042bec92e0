"""DescribeProducers (key 61): the idempotent producers a partition remembers."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


class TopicRequest(Body):
    name: str = ""
    partition_indexes: list[int32] = []


@message("0", flexible="0+", key=61)
class DescribeProducersRequest(Body):
    topics: list[TopicRequest] = []


class ProducerState(Body):
    producer_id: int64 = 0
    producer_epoch: int32 = 0
    last_sequence: int32 = -1
    last_timestamp: int64 = -1
    coordinator_epoch: int32 = 0
    current_txn_start_offset: int64 = -1


class PartitionResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    active_producers: list[ProducerState] = []


class TopicResponse(Body):
    name: str = ""
    partitions: list[PartitionResponse] = []


@message("0", flexible="0+", key=61)
class DescribeProducersResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[TopicResponse] = []
