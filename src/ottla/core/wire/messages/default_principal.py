"""A principal inside a forwarded request (`Envelope`), behind an int16 version."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, message


@message("0", flexible="0+")
class DefaultPrincipalData(Body):
    type: str = ""
    name: str = ""
    token_authenticated: bool = False
