"""LeaveGroup (key 13): members leave a classic group without waiting for their session to end."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


class MemberIdentity(Body):
    member_id: str = ""
    group_instance_id: str | None = None
    reason: Annotated[str | None, In("5+", ignorable=True)] = None


@message("0-5", flexible="4+", key=13)
class LeaveGroupRequest(Body):
    group_id: str = ""
    member_id: Annotated[str, In("0-2")] = ""
    members: Annotated[list[MemberIdentity], In("3+")] = []


class MemberResponse(Body):
    member_id: str = ""
    group_instance_id: str | None = ""
    error_code: int16 = 0


@message("0-5", flexible="4+", key=13)
class LeaveGroupResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    error_code: int16 = 0
    members: Annotated[list[MemberResponse], In("3+")] = []
