"""DescribeAcls (key 29): finds access rules by a filter."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


@message("1-3", flexible="2+", key=29)
class DescribeAclsRequest(Body):
    resource_type_filter: int8 = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: int8 = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: int8 = 0
    permission_type: int8 = 0


class AclDescription(Body):
    principal: str = ""
    host: str = ""
    operation: int8 = 0
    permission_type: int8 = 0


class DescribeAclsResource(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    pattern_type: int8 = 3
    acls: list[AclDescription] = []


@message("1-3", flexible="2+", key=29)
class DescribeAclsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
    resources: list[DescribeAclsResource] = []
