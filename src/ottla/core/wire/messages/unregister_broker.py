"""UnregisterBroker (key 64): removes a broker that will not come back."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


@message("0", flexible="0+", key=64)
class UnregisterBrokerRequest(Body):
    broker_id: int32 = 0


@message("0", flexible="0+", key=64)
class UnregisterBrokerResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
