"""Envelope (key 58): a broker passes on a client's request to the controller, with the client's identity."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, message


@message("0", flexible="0+", key=58)
class EnvelopeRequest(Body):
    request_data: bytes = b""
    request_principal: bytes | None = b""
    client_host_address: bytes = b""


@message("0", flexible="0+", key=58)
class EnvelopeResponse(Body):
    response_data: bytes | None = None
    error_code: int16 = 0
