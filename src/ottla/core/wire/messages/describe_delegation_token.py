"""DescribeDelegationToken (key 41): the delegation tokens of some owners."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, int64, message


class DescribeDelegationTokenOwner(Body):
    principal_type: str = ""
    principal_name: str = ""


@message("1-3", flexible="2+", key=41)
class DescribeDelegationTokenRequest(Body):
    owners: list[DescribeDelegationTokenOwner] | None = []


class DescribedDelegationTokenRenewer(Body):
    principal_type: str = ""
    principal_name: str = ""


class DescribedDelegationToken(Body):
    principal_type: str = ""
    principal_name: str = ""
    token_requester_principal_type: Annotated[str, In("3+")] = ""
    token_requester_principal_name: Annotated[str, In("3+")] = ""
    issue_timestamp: int64 = 0
    expiry_timestamp: int64 = 0
    max_timestamp: int64 = 0
    token_id: str = ""
    hmac: bytes = b""
    renewers: list[DescribedDelegationTokenRenewer] = []


@message("1-3", flexible="2+", key=41)
class DescribeDelegationTokenResponse(Body):
    error_code: int16 = 0
    tokens: list[DescribedDelegationToken] = []
    throttle_time_ms: int32 = 0
