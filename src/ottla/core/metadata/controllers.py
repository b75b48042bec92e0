"""Controllers make themselves known (ControllerRegistration; KIP-919), so that feature levels wait for all of them."""

from __future__ import annotations

from ottla.core.metadata.levels import CONTROLLER_REGISTRATION_SINCE
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.controller_registration import (
    ControllerRegistrationRequest,
    ControllerRegistrationResponse,
)
from ottla.core.wire.messages.records.metadata import (
    ControllerEndpoint,
    ControllerFeature,
    RegisterControllerRecord,
)


def register_controller(
    state: State, now: int, command: Command, request: ControllerRegistrationRequest
) -> Outcome[object, ControllerRegistrationResponse]:
    """Remember where a controller listens and what it supports."""
    if state.image.metadata_version < CONTROLLER_REGISTRATION_SINCE:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION,
            "The current MetadataVersion is too old to support controller registrations.",
        )
    record = RegisterControllerRecord(
        controller_id=request.controller_id,
        incarnation_id=request.incarnation_id,
        zk_migration_ready=request.zk_migration_ready,
        end_points=[
            ControllerEndpoint(
                name=each.name, host=each.host, port=each.port, security_protocol=each.security_protocol
            )
            for each in request.listeners
        ],
        features=[
            ControllerFeature(
                name=each.name,
                min_supported_version=each.min_supported_version,
                max_supported_version=each.max_supported_version,
            )
            for each in request.features
        ],
    )
    return Outcome([record], ControllerRegistrationResponse())
