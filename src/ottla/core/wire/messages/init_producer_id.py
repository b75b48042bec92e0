"""InitProducerId (key 22): gives a producer its id and epoch, fencing whoever used the transactional id before."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


@message("0-6", flexible="2+", key=22, unstable=True)
class InitProducerIdRequest(Body):
    transactional_id: str | None = ""
    transaction_timeout_ms: int32 = 0
    producer_id: Annotated[int64, In("3+")] = -1
    producer_epoch: Annotated[int16, In("3+")] = -1
    enable2_pc: Annotated[bool, In("6+")] = False
    keep_prepared_txn: Annotated[bool, In("6+")] = False


@message("0-6", flexible="2+", key=22)
class InitProducerIdResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    producer_id: int64 = -1
    producer_epoch: int16 = 0
    ongoing_txn_producer_id: Annotated[int64, In("6+")] = -1
    ongoing_txn_producer_epoch: Annotated[int16, In("6+")] = -1
