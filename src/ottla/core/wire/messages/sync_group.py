"""SyncGroup (key 14): the leader of a classic group hands in the assignment, every member takes its share of it."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


class SyncGroupRequestAssignment(Body):
    member_id: str = ""
    assignment: bytes = b""


@message("0-5", flexible="4+", key=14)
class SyncGroupRequest(Body):
    group_id: str = ""
    generation_id: int32 = 0
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("3+")] = None
    protocol_type: Annotated[str | None, In("5+", ignorable=True)] = None
    protocol_name: Annotated[str | None, In("5+", ignorable=True)] = None
    assignments: list[SyncGroupRequestAssignment] = []


@message("0-5", flexible="4+", key=14)
class SyncGroupResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    error_code: int16 = 0
    protocol_type: Annotated[str | None, In("5+", ignorable=True)] = None
    protocol_name: Annotated[str | None, In("5+", ignorable=True)] = None
    assignment: bytes = b""
