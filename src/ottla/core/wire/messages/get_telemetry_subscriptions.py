"""GetTelemetrySubscriptions (key 71): which metrics a client should send (KIP-714)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int8, int16, int32, message


@message("0", flexible="0+", key=71)
class GetTelemetrySubscriptionsRequest(Body):
    client_instance_id: Uuid = ZERO_UUID


@message("0", flexible="0+", key=71)
class GetTelemetrySubscriptionsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    client_instance_id: Uuid = ZERO_UUID
    subscription_id: int32 = 0
    accepted_compression_types: list[int8] = []
    push_interval_ms: int32 = 0
    telemetry_max_bytes: int32 = 0
    delta_temporality: bool = False
    requested_metrics: list[str] = []
