"""UpdateRaftVoter (key 82): a voter of the quorum tells the leader its endpoints and versions (KIP-853)."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Tag, int16, int32, message, uint16


class Listener(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


class KRaftVersionFeature(Body):
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


@message("0", flexible="0+", key=82)
class UpdateRaftVoterRequest(Body):
    cluster_id: str | None = ""
    current_leader_epoch: int32 = 0
    voter_id: int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    listeners: list[Listener] = []
    kraft_version_feature: KRaftVersionFeature = field(default_factory=KRaftVersionFeature)


class CurrentLeader(Body):
    leader_id: int32 = -1
    leader_epoch: int32 = -1
    host: str = ""
    port: int32 = 0


@message("0", flexible="0+", key=82)
class UpdateRaftVoterResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    current_leader: Annotated[CurrentLeader, Tag(0)] = field(default_factory=CurrentLeader)
