"""The records of `__transaction_state`: one per transactional id. Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, Tag, int8, int16, int32, int64, message


@message("0", key=0)
class TransactionLogKey(Body):
    transactional_id: str = ""


class PartitionsSchema(Body):
    topic: str = ""
    partition_ids: list[int32] = []


@message("0-1", flexible="1+", key=0)
class TransactionLogValue(Body):
    producer_id: int64 = 0
    previous_producer_id: Annotated[int64, Tag(0, "1+")] = -1
    next_producer_id: Annotated[int64, Tag(1, "1+")] = -1
    producer_epoch: int16 = 0
    next_producer_epoch: Annotated[int16, Tag(3, "1+")] = -1
    transaction_timeout_ms: int32 = 0
    transaction_status: int8 = 0
    transaction_partitions: list[PartitionsSchema] | None = []
    transaction_last_update_timestamp_ms: int64 = 0
    transaction_start_timestamp_ms: int64 = 0
    client_transaction_version: Annotated[int16, Tag(2, "1+")] = 0
