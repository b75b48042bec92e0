"""AddOffsetsToTxn (key 25): makes the offsets of a group part of a transaction."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


@message("0-4", flexible="3+", key=25)
class AddOffsetsToTxnRequest(Body):
    transactional_id: str = ""
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    group_id: str = ""


@message("0-4", flexible="3+", key=25)
class AddOffsetsToTxnResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
