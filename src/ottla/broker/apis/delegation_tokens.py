"""Delegation tokens (keys 38 to 41): create, renew, expire, describe.

Behaviour: a token is as good as a password, so nobody may ask for one over plain text, nor without having proved who they
are: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Elsewhere the controller decides; without `delegation.token.secret.key` it
answers DELEGATION_TOKEN_AUTH_DISABLED.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from ottla.broker.context import ANONYMOUS, Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API
from ottla.core.wire.declaration import Body

K = ApiKey

NO_TIMESTAMP: Final = -1


def handle(services: Services, context: Context, request: Body) -> Body | Awaitable[Body]:
    key = ApiKey(context.key)
    if _may_ask(context):
        if key is K.DESCRIBE_DELEGATION_TOKEN:
            return _refusal(key, ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED, context, request)
        return services.controller.request(context, key, request)
    return _refusal(key, ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, context, request)


def _may_ask(context: Context) -> bool:
    protocol = context.caller.security_protocol
    return protocol != "PLAINTEXT" and not (protocol == "SSL" and context.principal == ANONYMOUS)


def _refusal(key: ApiKey, code: ErrorCode, context: Context, request: Any) -> Body:
    response: Any = API[key].response(error_code=code)
    if key is K.CREATE_DELEGATION_TOKEN:
        kind, _, name = context.principal.partition(":")
        response.principal_type, response.principal_name = kind, name
        if context.version >= 3:
            if request.owner_principal_name:
                response.principal_type = request.owner_principal_type or ""
                response.principal_name = request.owner_principal_name
            response.token_requester_principal_type, response.token_requester_principal_name = kind, name
        response.issue_timestamp_ms = response.expiry_timestamp_ms = response.max_timestamp_ms = NO_TIMESTAMP
    elif key is not K.DESCRIBE_DELEGATION_TOKEN:
        response.expiry_timestamp_ms = NO_TIMESTAMP
    return response  # type: ignore[no-any-return]
