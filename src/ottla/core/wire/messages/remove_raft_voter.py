"""RemoveRaftVoter (key 81): takes a voter out of the quorum (KIP-853)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


@message("0", flexible="0+", key=81)
class RemoveRaftVoterRequest(Body):
    cluster_id: str | None = ""
    voter_id: int32 = 0
    voter_directory_id: Uuid = ZERO_UUID


@message("0", flexible="0+", key=81)
class RemoveRaftVoterResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
