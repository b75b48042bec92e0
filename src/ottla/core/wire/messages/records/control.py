"""The payloads of control records: ends of transactions, and what the quorum writes about itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message, uint16


@message("0")
class ControlRecordTypeSchema(Body):
    type: int16 = 0


@message("0")
class EndTxnMarker(Body):
    coordinator_epoch: int32 = 0


class LeaderChangeMessageVoter(Body):
    voter_id: int32 = 0
    voter_directory_id: Annotated[Uuid, In("1+")] = ZERO_UUID


@message("0-1", flexible="0+")
class LeaderChangeMessage(Body):
    version: int16 = 0
    leader_id: int32 = 0
    voters: list[LeaderChangeMessageVoter] = []
    granting_voters: list[LeaderChangeMessageVoter] = []


@message("0", flexible="0+")
class SnapshotHeaderRecord(Body):
    version: int16 = 0
    last_contained_log_timestamp: int64 = 0


@message("0", flexible="0+")
class SnapshotFooterRecord(Body):
    version: int16 = 0


@message("0", flexible="0+")
class KRaftVersionRecord(Body):
    version: int16 = 0
    kraft_version: int16 = 0


class Endpoint(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0


class KRaftVersionFeature(Body):
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


class VotersVoter(Body):
    voter_id: int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    endpoints: list[Endpoint] = []
    kraft_version_feature: KRaftVersionFeature = field(default_factory=KRaftVersionFeature)


@message("0", flexible="0+")
class VotersRecord(Body):
    version: int16 = 0
    voters: list[VotersVoter] = []
