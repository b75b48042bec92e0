"""CreateAcls (key 30): adds access rules."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class AclCreation(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    resource_pattern_type: int8 = 3
    principal: str = ""
    host: str = ""
    operation: int8 = 0
    permission_type: int8 = 0


@message("1-3", flexible="2+", key=30)
class CreateAclsRequest(Body):
    creations: list[AclCreation] = []


class AclCreationResult(Body):
    error_code: int16 = 0
    error_message: str | None = ""


@message("1-3", flexible="2+", key=30)
class CreateAclsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[AclCreationResult] = []
