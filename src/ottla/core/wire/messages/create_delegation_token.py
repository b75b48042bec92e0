"""CreateDelegationToken (key 38): issues a delegation token."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class CreatableRenewers(Body):
    principal_type: str = ""
    principal_name: str = ""


@message("1-3", flexible="2+", key=38)
class CreateDelegationTokenRequest(Body):
    owner_principal_type: Annotated[str | None, In("3+")] = ""
    owner_principal_name: Annotated[str | None, In("3+")] = ""
    renewers: list[CreatableRenewers] = []
    max_lifetime_ms: int64 = 0


@message("1-3", flexible="2+", key=38)
class CreateDelegationTokenResponse(Body):
    error_code: int16 = 0
    principal_type: str = ""
    principal_name: str = ""
    token_requester_principal_type: Annotated[str, In("3+")] = ""
    token_requester_principal_name: Annotated[str, In("3+")] = ""
    issue_timestamp_ms: int64 = 0
    expiry_timestamp_ms: int64 = 0
    max_timestamp_ms: int64 = 0
    token_id: str = ""
    hmac: bytes = b""
    throttle_time_ms: int32 = 0
