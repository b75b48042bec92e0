"""EndTxn (key 26): commits or aborts a transaction."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


@message("0-5", flexible="3+", key=26)
class EndTxnRequest(Body):
    transactional_id: str = ""
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    committed: bool = False


@message("0-5", flexible="3+", key=26)
class EndTxnResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    producer_id: Annotated[int64, In("5+", ignorable=True)] = -1
    producer_epoch: Annotated[int16, In("5+", ignorable=True)] = -1
