"""DescribeTransactions (key 65): the state of transactions, by transactional id."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


@message("0", flexible="0+", key=65)
class DescribeTransactionsRequest(Body):
    transactional_ids: list[str] = []


class TopicData(Body):
    topic: str = ""
    partitions: list[int32] = []


class TransactionState(Body):
    error_code: int16 = 0
    transactional_id: str = ""
    transaction_state: str = ""
    transaction_timeout_ms: int32 = 0
    transaction_start_time_ms: int64 = 0
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    topics: list[TopicData] = []


@message("0", flexible="0+", key=65)
class DescribeTransactionsResponse(Body):
    throttle_time_ms: int32 = 0
    transaction_states: list[TransactionState] = []
