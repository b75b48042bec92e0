"""AddPartitionsToTxn (key 24): makes partitions part of a transaction."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class AddPartitionsToTxnTopic(Body):
    name: str = ""
    partitions: list[int32] = []


class AddPartitionsToTxnTransaction(Body):
    transactional_id: str = ""
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    verify_only: bool = False
    topics: list[AddPartitionsToTxnTopic] = []


@message("0-5", flexible="3+", key=24)
class AddPartitionsToTxnRequest(Body):
    transactions: Annotated[list[AddPartitionsToTxnTransaction], In("4+")] = []
    v3_and_below_transactional_id: Annotated[str, In("0-3")] = ""
    v3_and_below_producer_id: Annotated[int64, In("0-3")] = 0
    v3_and_below_producer_epoch: Annotated[int16, In("0-3")] = 0
    v3_and_below_topics: Annotated[list[AddPartitionsToTxnTopic], In("0-3")] = []


class AddPartitionsToTxnPartitionResult(Body):
    partition_index: int32 = 0
    partition_error_code: int16 = 0


class AddPartitionsToTxnTopicResult(Body):
    name: str = ""
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = []


class AddPartitionsToTxnResult(Body):
    transactional_id: str = ""
    topic_results: list[AddPartitionsToTxnTopicResult] = []


@message("0-5", flexible="3+", key=24)
class AddPartitionsToTxnResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: Annotated[int16, In("4+", ignorable=True)] = 0
    results_by_transaction: Annotated[list[AddPartitionsToTxnResult], In("4+")] = []
    results_by_topic_v3_and_below: Annotated[list[AddPartitionsToTxnTopicResult], In("0-3")] = []
