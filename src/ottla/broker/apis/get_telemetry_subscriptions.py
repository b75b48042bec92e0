"""GetTelemetrySubscriptions (key 71): which metrics a client should push (KIP-714).

Behaviour: nobody here takes client metrics, so the API is not advertised; a client that asks all the same is given an id
and an empty subscription: there is nothing to push. Who asks again before its interval is over is throttled.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.broker.telemetry import PUSH_INTERVAL_MS
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
)

COMPRESSIONS: Final = (4, 3, 1, 2)
"""zstd, lz4, gzip, snappy: Kafka's order of preference."""


def handle(
    services: Services, context: Context, request: GetTelemetrySubscriptionsRequest
) -> GetTelemetrySubscriptionsResponse:
    instance = request.client_instance_id
    if instance == ZERO_UUID:
        instance = _new_id(services)
    client = services.telemetry.client(instance)
    code = client.asks(services.clock.now())
    if code:
        return GetTelemetrySubscriptionsResponse(error_code=code)
    return GetTelemetrySubscriptionsResponse(
        client_instance_id=instance,
        subscription_id=client.subscription_id,
        accepted_compression_types=list(COMPRESSIONS),
        push_interval_ms=PUSH_INTERVAL_MS,
        telemetry_max_bytes=services.settings["telemetry.max.bytes"],
        delta_temporality=True,
    )


def _new_id(services: Services) -> Uuid:
    """A random (version 4) UUID."""
    raw = bytearray(services.chance.bytes(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return Uuid(bytes(raw))
