"""Everything that one group coordinator (one partition of `__consumer_offsets`) knows.

The modules beside this one decide and apply; each takes a `State`. Hard state (`groups`, `offsets`) changes only where
records are applied; timers and the waiting lists inside groups are soft.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ottla.core.coordination.contract import Topics
from ottla.core.coordination.settings import Settings
from ottla.core.coordination.timers import Timers
from ottla.core.groups.counts import GroupCounts
from ottla.core.groups.group import Group
from ottla.core.groups.metadata_hash import TopicHashes
from ottla.core.groups.offsets.table import Offsets
from ottla.core.groups.settings import GroupConfigs, group_setting


class TimerKey(NamedTuple):
    """What is due (a name of the room that set it: "classic-session", "consumer-rebalance", …), and for whom."""

    what: str
    group: str
    member: str = ""


class State:
    """One per shard."""

    __slots__ = ("configs", "counts", "groups", "hashes", "live", "offsets", "settings", "timers", "topics")

    def __init__(
        self, settings: Settings, configs: GroupConfigs, topics: Topics, counts: GroupCounts | None = None
    ) -> None:
        self.settings = settings
        self.counts = counts or GroupCounts()
        self.configs = configs
        self.topics = topics
        self.hashes = TopicHashes(topics)
        self.groups: dict[str, Group] = {}
        self.offsets = Offsets()
        self.timers: Timers[TimerKey] = Timers()
        self.live = False
        """The log has been read: records come from our own decisions now."""

    def setting(self, group: str, name: str) -> Any:
        """The value of a group config (`consumer.session.timeout.ms`) that counts for this group."""
        return group_setting(self.settings, self.configs(group), name)
