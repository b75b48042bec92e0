"""PushTelemetry (key 72): metrics of a client (KIP-714).

Behaviour: nobody takes them, so what comes in order is dropped. What does not is refused: INVALID_REQUEST without an
instance id or after the last word, THROTTLING_QUOTA_EXCEEDED before the interval is over, UNKNOWN_SUBSCRIPTION_ID,
UNSUPPORTED_COMPRESSION_TYPE, TELEMETRY_TOO_LARGE.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ONE_UUID, ZERO_UUID
from ottla.core.wire.messages.push_telemetry import PushTelemetryRequest, PushTelemetryResponse


def handle(services: Services, context: Context, request: PushTelemetryRequest) -> PushTelemetryResponse:
    if request.client_instance_id in (ZERO_UUID, ONE_UUID):
        return PushTelemetryResponse(error_code=ErrorCode.INVALID_REQUEST)
    code = services.telemetry.client(request.client_instance_id).pushes(
        services.clock.now(),
        request.subscription_id,
        request.compression_type,
        len(request.metrics),
        services.settings["telemetry.max.bytes"],
        last=request.terminating,
    )
    return PushTelemetryResponse(error_code=code)
