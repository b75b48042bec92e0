"""Replicas: in sync, lagging, electing a leader."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import KIB, MIB, MINUTE, SECOND
from ottla.core.model.settings.setting import (
    BOOLEAN,
    CLUSTER_WIDE,
    HIGH,
    INT,
    INTERNAL,
    LONG,
    STRING,
    Setting,
    later,
    refused,
    unused,
    works,
)
from ottla.core.model.settings.valid import at_least, one_of

# fmt: off
REPLICATION: Final[tuple[Setting, ...]] = (
    works("min.insync.replicas", INT, 1,
          "Replicas that must hold a record written with `acks=all` before it is acknowledged. With fewer in sync the write is refused.", at_least(1), HIGH, CLUSTER_WIDE),
    works("unclean.leader.election.enable", BOOLEAN, False,
          "Let a replica that may have missed records become leader when nobody else is left. Records can be lost.", HIGH, CLUSTER_WIDE),
    later("unclean.leader.election.interval.ms", LONG, 5 * MINUTE,
          "How often partitions without a leader are looked at for an unclean election.", at_least(1), INTERNAL),
    works("auto.leader.rebalance.enable", BOOLEAN, True,
          "Move leadership back to preferred replicas from time to time.", HIGH),
    works("leader.imbalance.check.interval.seconds", LONG, 300,
          "How often leadership is checked for balance.", at_least(1), HIGH),
    later("replica.lag.time.max.ms", LONG, 30 * SECOND,
          "A follower that has not caught up with the leader for this long leaves the in-sync replicas.", HIGH),
    later("replica.socket.timeout.ms", INT, 30 * SECOND,
          "Socket timeout of follower fetches. At least `replica.fetch.wait.max.ms`.", HIGH),
    later("replica.socket.receive.buffer.bytes", INT, 64 * KIB,
          "Receive buffer of the connections followers fetch on.", HIGH),
    later("replica.fetch.max.bytes", INT, MIB,
          "Bytes a follower asks for per partition. A larger first batch is sent all the same.", at_least(0)),
    later("replica.fetch.wait.max.ms", INT, 500,
          "Longest a follower's fetch waits at the leader for data. Keep it below `replica.lag.time.max.ms`.", HIGH),
    later("replica.fetch.min.bytes", INT, 1,
          "Bytes a follower's fetch waits for, up to `replica.fetch.wait.max.ms`.", HIGH),
    later("replica.fetch.backoff.ms", INT, SECOND,
          "Pause of a follower after a failed fetch of a partition.", at_least(0)),
    later("replica.fetch.response.max.bytes", INT, 10 * MIB,
          "Bytes a follower asks for in one answer over all partitions.", at_least(0)),
    works("replica.high.watermark.checkpoint.interval.ms", LONG, 5 * SECOND,
          "How often high watermarks are written to disk.", HIGH),
    later("replica.selector.class", STRING, None,
          "A Java class that picks the replica a consumer reads from. Readers go to the leader when unset."),
    later("num.replica.fetchers", INT, 1,
          "Fetch connections from this node to every other broker it follows.", at_least(1), HIGH, CLUSTER_WIDE),
    unused("num.replica.alter.log.dirs.threads", INT, None,
           "Threads that copy replicas from one data directory to another.", HIGH),
    refused("security.inter.broker.protocol", STRING, "PLAINTEXT",
            "Protocol brokers speak among themselves. Exclusive with `inter.broker.listener.name`.", one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
    later("follower.fetch.last.tiered.offset.enable", BOOLEAN, False,
          "Let a new follower start after what remote storage already holds, instead of copying it.", CLUSTER_WIDE),
)
