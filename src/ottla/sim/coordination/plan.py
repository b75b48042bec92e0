"""What a seed decides about a world of groups and transactions, beside what it decides about every world."""

from __future__ import annotations

from ottla.sim.chance import SeededChance
from ottla.sim.swarm import End, Plan

ROLES = ("loop", "share", "write", "share", "commit", "audit", "loop", "commit", "share", "loop", "commit")
"""What the first clients do, the second, …; after them come those that consume."""


class GroupPlan(Plan):
    """Disks do not fail here, and power is lost only where every batch is flushed: whatever was acknowledged stays."""

    def __init__(self, chance: SeededChance, steps: int) -> None:
        super().__init__(chance.split("usual"), steps)
        self.roles = list(ROLES[: chance.between(4, len(ROLES))])
        self.flushed = chance.often(0.3)
        self.ends = chance.one(
            (
                {End.KILL: 1},
                {End.KILL: 2, End.STOP: 1},
                {End.KILL: 1, End.POWER: 2} if self.flushed else {End.KILL: 1},
            )
        )
        self.thinking_ms = chance.one((1, 20, 300))
        self.mishaps = (
            {}
            if chance.often(0.3)
            else {"resets": 3, "cuts": int(chance.often(0.5)), "clock jumps": int(chance.often(0.3))}
        )
        self.mishap_ms = chance.one((300, 2_000, 10_000))
        self.partitions = chance.between(1, 5)
        """Of the topic that groups read."""
        self.sinks = chance.between(1, 3)
        """Partitions of the topic that the loop writes to."""
        self.aborts = chance.one((0.0, 0.1, 0.4))
        """How often the loop thinks better of it."""
        self.dies = chance.one((0.0, 0.02, 0.1))
        """How often a member vanishes without a word and comes back as another, at each step."""
        self.version = chance.one((1, 2))
        """Of the transactions of the loop (KIP-890)."""
        self.at_peace = False
        """Members do their work, and nothing else."""
        self.lock_ms = chance.one((1_000, 3_000, 15_000))
        """For so long a record is locked that was shared."""
        self.deliveries_max = chance.one((2, 5))
        """Of each record, to members of the share group."""
        self.properties |= self._coordinators(chance)
        self.properties |= self._consumer_group(chance.split("consumer"))
        self.clients = len(self.roles)
        if self.flushed:
            self.properties["log.flush.interval.messages"] = "1"

    def _coordinators(self, chance: SeededChance) -> dict[str, str]:
        """What the node is told of groups, transactions and share groups."""
        return {
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "2",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "2",
            "group.initial.rebalance.delay.ms": chance.one(("0", "500")),
            "group.min.session.timeout.ms": "1000",
            "group.coordinator.append.linger.ms": chance.one(("-1", "0", "5", "50")),
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
            "offsets.topic.segment.bytes": chance.one(("1048576", "104857600")),
            "transaction.state.log.segment.bytes": chance.one(("1048576", "104857600")),
            "group.share.record.lock.duration.ms": str(self.lock_ms),
            "group.share.min.record.lock.duration.ms": "1000",
            "group.share.delivery.count.limit": str(self.deliveries_max),
            "group.share.partition.max.record.locks": chance.one(("100", "2000")),
            "group.share.assignment.interval.ms": chance.one(("0", "1000")),
            "group.share.session.timeout.ms": "6000",
            "group.share.min.session.timeout.ms": "6000",
            "share.coordinator.state.topic.num.partitions": "2",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "share.coordinator.state.topic.segment.bytes": chance.one(("1048576", "104857600")),
            "share.coordinator.snapshot.update.records.per.snapshot": chance.one(("0", "3", "500")),
            "share.coordinator.append.linger.ms": chance.one(("-1", "0", "50", "400")),
            "share.coordinator.state.topic.prune.interval.ms": chance.one(("1000", "300000")),
            "share.coordinator.cold.partition.snapshot.interval.ms": chance.one(("1000", "300000")),
        }

    def _consumer_group(self, chance: SeededChance) -> dict[str, str]:
        """How many there are, how patient the coordinator is with them; and what the node is told of that."""
        self.roles += ["consume"] * chance.one((0, 1, 2, 3, 3, 4, 5))
        self.static = chance.one((0.0, 0.3, 0.8))
        """How many of them have an instance id."""
        self.session_ms = chance.one((2_000, 6_000))
        """So long a member may be silent."""
        self.rebalance_ms = chance.one((1_500, 5_000, 60_000))
        """And so long it may keep what it was told to give up."""
        self.beat_ms = chance.one((100, 500))
        self.misses = chance.one((0.0, 0.05, 0.2))
        """How often a member does not hear the answer to a heartbeat."""
        return {
            "group.consumer.session.timeout.ms": str(self.session_ms),
            "group.consumer.min.session.timeout.ms": "1000",
            "group.consumer.heartbeat.interval.ms": str(self.beat_ms),
            "group.consumer.min.heartbeat.interval.ms": "100",
            "group.consumer.assignment.interval.ms": chance.one(("0", "1000")),
            "group.consumer.assignors": chance.one(("uniform,range", "range,uniform")),
        }
