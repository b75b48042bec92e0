"""ControllerRegistration (key 70): a controller tells the active one who it is and what it supports."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message, uint16


class Listener(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0
    security_protocol: int16 = 0


class Feature(Body):
    name: str = ""
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


@message("0", flexible="0+", key=70)
class ControllerRegistrationRequest(Body):
    controller_id: int32 = 0
    incarnation_id: Uuid = ZERO_UUID
    zk_migration_ready: bool = False
    listeners: list[Listener] = []
    features: list[Feature] = []


@message("0", flexible="0+", key=70)
class ControllerRegistrationResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
