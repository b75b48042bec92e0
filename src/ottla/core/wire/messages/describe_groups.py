"""DescribeGroups (key 15): state and members of classic groups."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


@message("0-6", flexible="5+", key=15)
class DescribeGroupsRequest(Body):
    groups: list[str] = []
    include_authorized_operations: Annotated[bool, In("3+")] = False


class DescribedGroupMember(Body):
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("4+", ignorable=True)] = None
    client_id: str = ""
    client_host: str = ""
    member_metadata: bytes = b""
    member_assignment: bytes = b""


class DescribedGroup(Body):
    error_code: int16 = 0
    error_message: Annotated[str | None, In("6+")] = None
    group_id: str = ""
    group_state: str = ""
    protocol_type: str = ""
    protocol_data: str = ""
    members: list[DescribedGroupMember] = []
    authorized_operations: Annotated[int32, In("3+")] = -2147483648


@message("0-6", flexible="5+", key=15)
class DescribeGroupsResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    groups: list[DescribedGroup] = []
