"""PushTelemetry (key 72): metrics of a client (KIP-714).

Behaviour: nobody subscribed to any, so whatever comes was not asked for: UNKNOWN_SUBSCRIPTION_ID for pushed metrics,
INVALID_REQUEST without an instance id. The last word of a client that terminates is taken without complaint.
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
    if request.subscription_id != 0:
        return PushTelemetryResponse(error_code=ErrorCode.UNKNOWN_SUBSCRIPTION_ID)
    return PushTelemetryResponse()
