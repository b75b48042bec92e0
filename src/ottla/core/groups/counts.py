"""What group coordinators count for whoever watches the node: plain attributes that only grow."""

from __future__ import annotations

from ottla.core.groups.group import GroupKind


class GroupCounts:
    """One per node, shared by its shards: counts outlive a reload."""

    __slots__ = ("offset_commits", "offset_deletions", "offset_expirations", "rebalances")

    def __init__(self) -> None:
        self.offset_commits = 0
        """Offsets, not requests."""
        self.offset_deletions = 0
        """Those that administrators deleted."""
        self.offset_expirations = 0
        self.rebalances: dict[GroupKind, int] = dict.fromkeys(GroupKind, 0)
        """Of classic groups those that were completed; of others the new group epochs."""
