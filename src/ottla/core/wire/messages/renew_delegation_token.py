"""RenewDelegationToken (key 39): lets a delegation token live longer."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message


@message("1-2", flexible="2+", key=39)
class RenewDelegationTokenRequest(Body):
    hmac: bytes = b""
    renew_period_ms: int64 = 0


@message("1-2", flexible="2+", key=39)
class RenewDelegationTokenResponse(Body):
    error_code: int16 = 0
    expiry_timestamp_ms: int64 = 0
    throttle_time_ms: int32 = 0
