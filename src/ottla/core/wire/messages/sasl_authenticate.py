"""SaslAuthenticate (key 36): carries the messages of a SASL mechanism back and forth."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int64, message


@message("0-2", flexible="2+", key=36)
class SaslAuthenticateRequest(Body):
    auth_bytes: bytes = b""


@message("0-2", flexible="2+", key=36)
class SaslAuthenticateResponse(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    auth_bytes: bytes = b""
    session_lifetime_ms: Annotated[int64, In("1+", ignorable=True)] = 0
