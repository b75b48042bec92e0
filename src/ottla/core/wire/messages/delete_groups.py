"""DeleteGroups (key 42): deletes empty groups with their offsets."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, message


@message("0-2", flexible="2+", key=42)
class DeleteGroupsRequest(Body):
    groups_names: list[str] = []


class DeletableGroupResult(Body):
    group_id: str = ""
    error_code: int16 = 0


@message("0-2", flexible="2+", key=42)
class DeleteGroupsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[DeletableGroupResult] = []
