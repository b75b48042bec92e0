"""AlterUserScramCredentials (key 51): sets or deletes SCRAM credentials."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class ScramCredentialDeletion(Body):
    name: str = ""
    mechanism: int8 = 0


class ScramCredentialUpsertion(Body):
    name: str = ""
    mechanism: int8 = 0
    iterations: int32 = 0
    salt: bytes = b""
    salted_password: bytes = b""


@message("0", flexible="0+", key=51)
class AlterUserScramCredentialsRequest(Body):
    deletions: list[ScramCredentialDeletion] = []
    upsertions: list[ScramCredentialUpsertion] = []


class AlterUserScramCredentialsResult(Body):
    user: str = ""
    error_code: int16 = 0
    error_message: str | None = ""


@message("0", flexible="0+", key=51)
class AlterUserScramCredentialsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[AlterUserScramCredentialsResult] = []
