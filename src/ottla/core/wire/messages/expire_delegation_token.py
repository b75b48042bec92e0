"""ExpireDelegationToken (key 40): ends a delegation token, or sets when it ends."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


@message("1-2", flexible="2+", key=40)
class ExpireDelegationTokenRequest(Body):
    hmac: bytes = b""
    expiry_time_period_ms: int64 = 0


@message("1-2", flexible="2+", key=40)
class ExpireDelegationTokenResponse(Body):
    error_code: int16 = 0
    expiry_timestamp_ms: int64 = 0
    throttle_time_ms: int32 = 0
