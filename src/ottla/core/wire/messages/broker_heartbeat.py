"""BrokerHeartbeat (key 63): a broker says it is alive, how far it has read the metadata, and what it wants."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import Uuid
from ottla.core.wire.declaration import Body, Tag, int16, int32, int64, message


@message("0-2", flexible="0+", key=63)
class BrokerHeartbeatRequest(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1
    current_metadata_offset: int64 = 0
    want_fence: bool = False
    want_shut_down: bool = False
    offline_log_dirs: Annotated[list[Uuid], Tag(0, "1+")] = []
    cordoned_log_dirs: Annotated[list[Uuid] | None, Tag(1, "2+")] = None


@message("0-2", flexible="0+", key=63)
class BrokerHeartbeatResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    is_caught_up: bool = False
    is_fenced: bool = True
    should_shut_down: bool = False
