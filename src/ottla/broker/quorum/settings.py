"""What the quorum obeys."""

from __future__ import annotations

import msgspec

from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.core.raft.voters import VoterEndpoint, VoterSet


class QuorumSettings(msgspec.Struct, frozen=True):
    """The node's settings that the quorum obeys; times in milliseconds."""

    cluster_id: str
    node_id: int
    static_voters: VoterSet | None
    """The voters of `controller.quorum.voters`; None when they are kept in the log."""
    endpoints: tuple[VoterEndpoint, ...]
    """Where this node's controller listeners can be reached."""
    min_insync_replicas: int = 1
    max_idle_interval_ms: int = 500
    fetch_max_bytes: int = 1 << 20
    fetch_snapshot_max_bytes: int = 1 << 20
    snapshots: SnapshotPolicy = SnapshotPolicy()
