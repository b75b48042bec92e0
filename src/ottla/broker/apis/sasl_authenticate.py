"""SaslAuthenticate (key 36) on a connection that has nothing left to authenticate: ILLEGAL_SASL_STATE."""

from __future__ import annotations

from typing import Final

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse

TOO_LATE: Final = "SaslAuthenticate request received after successful authentication"


def handle(
    services: Services, context: Context, request: SaslAuthenticateRequest
) -> SaslAuthenticateResponse:
    return SaslAuthenticateResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message=TOO_LATE)
