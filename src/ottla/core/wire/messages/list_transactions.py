"""ListTransactions (key 66): the transactions a broker coordinates."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


@message("0-2", flexible="0+", key=66)
class ListTransactionsRequest(Body):
    state_filters: list[str] = []
    producer_id_filters: list[int64] = []
    duration_filter: Annotated[int64, In("1+")] = -1
    transactional_id_pattern: Annotated[str | None, In("2+")] = None


class TransactionState(Body):
    transactional_id: str = ""
    producer_id: int64 = 0
    transaction_state: str = ""


@message("0-2", flexible="0+", key=66)
class ListTransactionsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    unknown_state_filters: list[str] = []
    transaction_states: list[TransactionState] = []
