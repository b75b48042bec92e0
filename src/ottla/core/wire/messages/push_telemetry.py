"""PushTelemetry (key 72): a client sends its metrics (KIP-714)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int8, int16, int32, message


@message("0", flexible="0+", key=72)
class PushTelemetryRequest(Body):
    client_instance_id: Uuid = ZERO_UUID
    subscription_id: int32 = 0
    terminating: bool = False
    compression_type: int8 = 0
    metrics: bytes = b""


@message("0", flexible="0+", key=72)
class PushTelemetryResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
