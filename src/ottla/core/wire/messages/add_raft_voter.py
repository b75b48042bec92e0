"""AddRaftVoter (key 80): makes a node a voter of the quorum (KIP-853)."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, message, uint16


class Listener(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


@message("0-1", flexible="0+", key=80)
class AddRaftVoterRequest(Body):
    cluster_id: str | None = ""
    timeout_ms: int32 = 0
    voter_id: int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    listeners: list[Listener] = []
    ack_when_committed: Annotated[bool, In("1+")] = True


@message("0-1", flexible="0+", key=80)
class AddRaftVoterResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
