"""SaslHandshake (key 17) on a connection that has nothing left to authenticate: ILLEGAL_SASL_STATE."""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


def handle(services: Services, context: Context, request: SaslHandshakeRequest) -> SaslHandshakeResponse:
    return SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE)
