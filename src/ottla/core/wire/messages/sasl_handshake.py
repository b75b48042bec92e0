"""SaslHandshake (key 17): chooses the SASL mechanism that the following authentication uses."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, message


@message("0-1", key=17)
class SaslHandshakeRequest(Body):
    mechanism: str = ""


@message("0-1", key=17)
class SaslHandshakeResponse(Body):
    error_code: int16 = 0
    mechanisms: list[str] = []
