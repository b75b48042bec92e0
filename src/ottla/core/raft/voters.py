"""Who votes: the members of a metadata quorum, from the static setting or from control records (KIP-853)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.records.control import (
    Endpoint,
    KRaftVersionFeature,
    LeaderChangeMessageVoter,
    VotersRecord,
    VotersVoter,
)

SUPPORTED_KRAFT_VERSIONS: Final = (0, 1)


class ReplicaKey(msgspec.Struct, frozen=True):
    """A replica of the metadata log: node id and directory id (zero where it is unknown, as in a static quorum)."""

    id: int
    directory_id: Uuid = ZERO_UUID


class VoterEndpoint(msgspec.Struct, frozen=True):
    """One listener of a voter, by its name."""

    name: str
    host: str
    port: int


class Voter(msgspec.Struct, frozen=True):
    """One member of the quorum."""

    key: ReplicaKey
    endpoints: tuple[VoterEndpoint, ...] = ()
    kraft_versions: tuple[int, int] = SUPPORTED_KRAFT_VERSIONS


class VoterSet(msgspec.Struct, frozen=True):
    """All voters, by node id."""

    voters: dict[int, Voter]

    @classmethod
    def of(cls, voters: Iterable[Voter]) -> VoterSet:
        return cls({voter.key.id: voter for voter in voters})

    @classmethod
    def from_record(cls, record: VotersRecord) -> VoterSet:
        return cls.of(
            Voter(
                key=ReplicaKey(each.voter_id, each.voter_directory_id),
                endpoints=tuple(VoterEndpoint(e.name, e.host, e.port) for e in each.endpoints),
                kraft_versions=(
                    each.kraft_version_feature.min_supported_version,
                    each.kraft_version_feature.max_supported_version,
                ),
            )
            for each in record.voters
        )

    def record(self) -> VotersRecord:
        return VotersRecord(
            voters=[
                VotersVoter(
                    voter_id=voter.key.id,
                    voter_directory_id=voter.key.directory_id,
                    endpoints=[Endpoint(name=e.name, host=e.host, port=e.port) for e in voter.endpoints],
                    kraft_version_feature=KRaftVersionFeature(
                        min_supported_version=voter.kraft_versions[0],
                        max_supported_version=voter.kraft_versions[1],
                    ),
                )
                for voter in self.voters.values()
            ]
        )

    def leader_change_voters(self) -> list[LeaderChangeMessageVoter]:
        """The voters as a leader change of version 0 names them: without directories."""
        return [LeaderChangeMessageVoter(voter_id=id_) for id_ in sorted(self.voters)]

    def includes(self, key: ReplicaKey) -> bool:
        """Is this replica a voter? A directory id counts only where both sides know one."""
        voter = self.voters.get(key.id)
        if voter is None:
            return False
        unknown = ZERO_UUID in (voter.key.directory_id, key.directory_id)
        return unknown or voter.key.directory_id == key.directory_id

    @property
    def majority(self) -> int:
        return len(self.voters) // 2 + 1
