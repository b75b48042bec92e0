"""DeleteAcls (key 31): removes the access rules that filters match."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class DeleteAclsFilter(Body):
    resource_type_filter: int8 = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: int8 = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: int8 = 0
    permission_type: int8 = 0


@message("1-3", flexible="2+", key=31)
class DeleteAclsRequest(Body):
    filters: list[DeleteAclsFilter] = []


class DeleteAclsMatchingAcl(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    resource_type: int8 = 0
    resource_name: str = ""
    pattern_type: int8 = 3
    principal: str = ""
    host: str = ""
    operation: int8 = 0
    permission_type: int8 = 0


class DeleteAclsFilterResult(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    matching_acls: list[DeleteAclsMatchingAcl] = []


@message("1-3", flexible="2+", key=31)
class DeleteAclsResponse(Body):
    throttle_time_ms: int32 = 0
    filter_results: list[DeleteAclsFilterResult] = []
