"""What a group may set for itself."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import SECOND
from ottla.core.model.settings.setting import BOOLEAN, INT, STRING, Setting, later
from ottla.core.model.settings.valid import AutoOffsetReset, at_least, one_of

# fmt: off
GROUP: Final[tuple[Setting, ...]] = (
    later("consumer.session.timeout.ms", INT, 45 * SECOND,
          "A member of this consumer group that is silent for this long is removed.", at_least(1)),
    later("consumer.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this consumer group.", at_least(1)),
    later("consumer.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this consumer group.", at_least(0)),
    later("share.session.timeout.ms", INT, 45 * SECOND,
          "A member of this share group that is silent for this long is removed.", at_least(1)),
    later("share.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this share group.", at_least(1)),
    later("share.record.lock.duration.ms", INT, 30 * SECOND,
          "How long an acquired record stays locked for its consumer.", at_least(SECOND)),
    later("share.delivery.count.limit", INT, 5,
          "How often a record is delivered at most before it counts as poison.", at_least(2)),
    later("share.partition.max.record.locks", INT, 2000,
          "Most records of a partition that may be locked at a time.", at_least(100)),
    later("share.auto.offset.reset", STRING, "latest",
          "Where a share group without a start begins: `earliest`, `latest`, or `by_duration:` and an ISO 8601 duration back from now.", AutoOffsetReset()),
    later("share.isolation.level", STRING, "read_uncommitted",
          "Whether records of open or aborted transactions are delivered.", one_of("read_committed", "read_uncommitted")),
    later("share.renew.acknowledge.enable", BOOLEAN, True,
          "Let consumers prolong the lock of a record they are still working on."),
    later("share.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this share group.", at_least(0)),
    later("streams.session.timeout.ms", INT, 45 * SECOND,
          "A member of this streams group that is silent for this long is removed.", at_least(1)),
    later("streams.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this streams group.", at_least(1)),
    later("streams.num.standby.replicas", INT, 0,
          "Standby copies kept of every task's state.", at_least(0)),
    later("streams.initial.rebalance.delay.ms", INT, 3 * SECOND,
          "How long this streams group waits for more members before its first assignment.", at_least(0)),
    later("streams.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this streams group.", at_least(0)),
)
