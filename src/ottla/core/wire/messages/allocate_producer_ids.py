"""AllocateProducerIds (key 67): a broker takes a block of producer ids from the controller."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


@message("0", flexible="0+", key=67)
class AllocateProducerIdsRequest(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1


@message("0", flexible="0+", key=67)
class AllocateProducerIdsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    producer_id_start: int64 = 0
    producer_id_len: int32 = 0
