"""Limits on what clients and replication may use."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import LONG_MAX
from ottla.core.model.settings.setting import (
    CLASS,
    CLUSTER_WIDE,
    DYNAMIC_ONLY,
    INT,
    LONG,
    LOW,
    Setting,
    later,
    refused,
    works,
)
from ottla.core.model.settings.valid import at_least

# fmt: off
QUOTAS: Final[tuple[Setting, ...]] = (
    later("quota.window.num", INT, 11,
          "Samples kept to measure client quotas.", at_least(1), LOW),
    later("quota.window.size.seconds", INT, 1,
          "Length of one sample of client quotas.", at_least(1), LOW),
    later("replication.quota.window.num", INT, 11,
          "Samples kept to measure replication quotas.", at_least(1), LOW),
    later("replication.quota.window.size.seconds", INT, 1,
          "Length of one sample of replication quotas.", at_least(1), LOW),
    later("alter.log.dirs.replication.quota.window.num", INT, 11,
          "Samples kept to measure the quota of copies between data directories.", at_least(1), LOW),
    later("alter.log.dirs.replication.quota.window.size.seconds", INT, 1,
          "Length of one sample of the quota of copies between data directories.", at_least(1), LOW),
    later("controller.quota.window.num", INT, 11,
          "Samples kept to measure the quota of topic and partition changes.", at_least(1), LOW),
    later("controller.quota.window.size.seconds", INT, 1,
          "Length of one sample of the quota of topic and partition changes.", at_least(1), LOW),
    refused("client.quota.callback.class", CLASS, None,
            "A Java class that decides which quota applies to a client.", LOW),
    later("leader.replication.throttled.rate", LONG, LONG_MAX,
          "Bytes a second this node sends, as leader, to throttled replicas.", at_least(0), CLUSTER_WIDE, DYNAMIC_ONLY),
    later("follower.replication.throttled.rate", LONG, LONG_MAX,
          "Bytes a second this node receives, as follower, for throttled replicas.", at_least(0), CLUSTER_WIDE, DYNAMIC_ONLY),
    works("replica.alter.log.dirs.io.max.bytes.per.second", LONG, LONG_MAX,
          "Bytes a second for copying replicas between data directories.", at_least(0), CLUSTER_WIDE, DYNAMIC_ONLY),
)
