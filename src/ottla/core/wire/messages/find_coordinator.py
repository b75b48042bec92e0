"""FindCoordinator (key 10): which broker coordinates a group, a transactional id or a share partition."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


@message("0-6", flexible="3+", key=10)
class FindCoordinatorRequest(Body):
    key: Annotated[str, In("0-3")] = ""
    key_type: Annotated[int8, In("1+")] = 0
    coordinator_keys: Annotated[list[str], In("4+")] = []


class Coordinator(Body):
    key: str = ""
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""


@message("0-6", flexible="3+", key=10)
class FindCoordinatorResponse(Body):
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    error_code: Annotated[int16, In("0-3")] = 0
    error_message: Annotated[str | None, In("1-3", ignorable=True)] = ""
    node_id: Annotated[int32, In("0-3")] = 0
    host: Annotated[str, In("0-3")] = ""
    port: Annotated[int32, In("0-3")] = 0
    coordinators: Annotated[list[Coordinator], In("4+")] = []
