"""JoinGroup (key 11): enters a classic group and waits until its members are gathered."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, Nullable, int16, int32, message


class JoinGroupRequestProtocol(Body):
    name: str = ""
    metadata: bytes = b""


@message("0-9", flexible="6+", key=11)
class JoinGroupRequest(Body):
    group_id: str = ""
    session_timeout_ms: int32 = 0
    rebalance_timeout_ms: Annotated[int32, In("1+", ignorable=True)] = -1
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("5+")] = None
    protocol_type: str = ""
    protocols: list[JoinGroupRequestProtocol] = []
    reason: Annotated[str | None, In("8+", ignorable=True)] = None


class JoinGroupResponseMember(Body):
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("5+", ignorable=True)] = None
    metadata: bytes = b""


@message("0-9", flexible="6+", key=11)
class JoinGroupResponse(Body):
    throttle_time_ms: Annotated[int32, In("2+", ignorable=True)] = 0
    error_code: int16 = 0
    generation_id: int32 = -1
    protocol_type: Annotated[str | None, In("7+", ignorable=True)] = None
    protocol_name: Annotated[str | None, Nullable("7+")] = ""
    leader: str = ""
    skip_assignment: Annotated[bool, In("9+")] = False
    member_id: str = ""
    members: list[JoinGroupResponseMember] = []
