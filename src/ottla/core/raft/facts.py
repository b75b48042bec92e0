"""What a replica tells others about itself: leader, epoch, offsets, snapshots. The questions of peers are answered
from these facts alone."""

from __future__ import annotations

import msgspec

from ottla.core.model.ids import METADATA_TOPIC
from ottla.core.raft.voters import ReplicaKey, VoterEndpoint, VoterSet


class OffsetAndEpoch(msgspec.Struct, frozen=True, order=True):
    """A place in the log: the end offset and the epoch of the last record before it. Names a snapshot too."""

    offset: int
    epoch: int


class Facts(msgspec.Struct, frozen=True):
    """One moment of a replica."""

    cluster_id: str
    me: ReplicaKey
    voters: VoterSet
    epoch: int
    leader_id: int
    leading: bool
    high_watermark: int
    start_offset: int
    end_offset: int
    endpoints: tuple[VoterEndpoint, ...] = ()
    """Where this node's controller listener can be reached."""

    def knows_cluster(self, cluster_id: str | None) -> bool:
        """Older peers send no cluster id."""
        return cluster_id is None or cluster_id == self.cluster_id

    def endpoint(self, listener: str) -> VoterEndpoint | None:
        return next((each for each in self.endpoints if each.name == listener), None)


def is_metadata_partition(topic: str, partition: int) -> bool:
    """There is one Raft log: `__cluster_metadata-0`."""
    return topic == METADATA_TOPIC and partition == 0
