"""Streams groups (KIP-1071)."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import INT_MAX, MINUTE, SECOND
from ottla.core.model.settings.setting import CLUSTER_WIDE, INT, Setting, works
from ottla.core.model.settings.valid import at_least

# fmt: off
GROUPS_STREAMS: Final[tuple[Setting, ...]] = (
    works("group.streams.session.timeout.ms", INT, 45 * SECOND,
          "A streams group member that is silent for this long is removed.", at_least(1)),
    works("group.streams.min.session.timeout.ms", INT, 45 * SECOND,
          "Lower bound of the session timeout of streams groups.", at_least(1)),
    works("group.streams.max.session.timeout.ms", INT, MINUTE,
          "Upper bound of the session timeout of streams groups.", at_least(1)),
    works("group.streams.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a streams group member.", at_least(1)),
    works("group.streams.min.heartbeat.interval.ms", INT, 5 * SECOND,
          "Lower bound of the heartbeat interval of streams groups.", at_least(1)),
    works("group.streams.max.heartbeat.interval.ms", INT, 15 * SECOND,
          "Upper bound of the heartbeat interval of streams groups.", at_least(1)),
    works("group.streams.max.size", INT, INT_MAX,
          "Most members of a streams group.", at_least(1)),
    works("group.streams.num.standby.replicas", INT, 0,
          "Standby copies kept of every task's state.", at_least(0)),
    works("group.streams.max.standby.replicas", INT, 2,
          "Most standby copies a streams group may ask for.", at_least(0)),
    works("group.streams.initial.rebalance.delay.ms", INT, 3 * SECOND,
          "How long a new streams group waits for more members before its first assignment.", at_least(0)),
    works("group.streams.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of a streams group.", at_least(0), CLUSTER_WIDE),
    works("group.streams.min.assignment.interval.ms", INT, 0,
          "Lower bound of the assignment interval of streams groups.", at_least(0)),
    works("group.streams.max.assignment.interval.ms", INT, 15 * SECOND,
          "Upper bound of the assignment interval of streams groups.", at_least(0)),
)
