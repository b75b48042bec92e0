"""What a group may set for itself."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import SECOND
from ottla.core.model.settings.setting import BOOLEAN, INT, STRING, Setting, works
from ottla.core.model.settings.valid import AutoOffsetReset, at_least, one_of

# fmt: off
GROUP: Final[tuple[Setting, ...]] = (
    works("consumer.session.timeout.ms", INT, 45 * SECOND,
          "A member of this consumer group that is silent for this long is removed.", at_least(1)),
    works("consumer.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this consumer group.", at_least(1)),
    works("consumer.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this consumer group.", at_least(0)),
    works("share.session.timeout.ms", INT, 45 * SECOND,
          "A member of this share group that is silent for this long is removed.", at_least(1)),
    works("share.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this share group.", at_least(1)),
    works("share.record.lock.duration.ms", INT, 30 * SECOND,
          "How long an acquired record stays locked for its consumer.", at_least(SECOND)),
    works("share.delivery.count.limit", INT, 5,
          "How often a record is delivered at most before it counts as poison.", at_least(2)),
    works("share.partition.max.record.locks", INT, 2000,
          "Most records of a partition that may be locked at a time.", at_least(100)),
    works("share.auto.offset.reset", STRING, "latest",
          "Where a share group without a start begins: `earliest`, `latest`, or `by_duration:` and an ISO 8601 duration back from now.", AutoOffsetReset()),
    works("share.isolation.level", STRING, "read_uncommitted",
          "Whether records of open or aborted transactions are delivered.", one_of("read_committed", "read_uncommitted")),
    works("share.renew.acknowledge.enable", BOOLEAN, True,
          "Let consumers prolong the lock of a record they are still working on."),
    works("share.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this share group.", at_least(0)),
    works("streams.session.timeout.ms", INT, 45 * SECOND,
          "A member of this streams group that is silent for this long is removed.", at_least(1)),
    works("streams.heartbeat.interval.ms", INT, 5 * SECOND,
          "Time between two heartbeats of a member of this streams group.", at_least(1)),
    works("streams.num.standby.replicas", INT, 0,
          "Standby copies kept of every task's state.", at_least(0)),
    works("streams.initial.rebalance.delay.ms", INT, 3 * SECOND,
          "How long this streams group waits for more members before its first assignment.", at_least(0)),
    works("streams.assignment.interval.ms", INT, SECOND,
          "Shortest time between two assignments of this streams group.", at_least(0)),
)
