"""ListGroups (key 16): the groups a broker coordinates."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


@message("0-5", flexible="3+", key=16)
class ListGroupsRequest(Body):
    states_filter: Annotated[list[str], In("4+")] = []
    types_filter: Annotated[list[str], In("5+")] = []


class ListedGroup(Body):
    group_id: str = ""
    protocol_type: str = ""
    group_state: Annotated[str, In("4+", ignorable=True)] = ""
    group_type: Annotated[str, In("5+", ignorable=True)] = ""


@message("0-5", flexible="3+", key=16)
class ListGroupsResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    error_code: int16 = 0
    groups: list[ListedGroup] = []
