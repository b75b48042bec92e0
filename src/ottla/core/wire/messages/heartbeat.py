"""Heartbeat (key 12): a member of a classic group says it is alive."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int16, int32, message


@message("0-4", flexible="4+", key=12)
class HeartbeatRequest(Body):
    group_id: str = ""
    generation_id: int32 = 0
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("3+")] = None


@message("0-4", flexible="4+", key=12)
class HeartbeatResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    error_code: int16 = 0
