"""DescribeUserScramCredentials (key 50): which SCRAM credentials users have; never the credentials themselves."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class UserName(Body):
    name: str = ""


@message("0", flexible="0+", key=50)
class DescribeUserScramCredentialsRequest(Body):
    users: list[UserName] | None = []


class CredentialInfo(Body):
    mechanism: int8 = 0
    iterations: int32 = 0


class DescribeUserScramCredentialsResult(Body):
    user: str = ""
    error_code: int16 = 0
    error_message: str | None = ""
    credential_infos: list[CredentialInfo] = []


@message("0", flexible="0+", key=50)
class DescribeUserScramCredentialsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
    results: list[DescribeUserScramCredentialsResult] = []
