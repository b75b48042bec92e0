"""What a seed decides before a run begins: how the machines, the network and the clients of this world are.

Not every fault in every run: a run that is calm in most ways finds what a storm would hide.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from ottla.sim.chance import SeededChance
from ottla.sim.disk.disk import Pace
from ottla.sim.network.fabric import Weather


class End(Enum):
    """How a life of the node ends."""

    KILL = "SIGKILL"
    POWER = "power loss"
    STOP = "orderly stop"


class Plan:
    """One world. Weights are relative, times in ms."""

    def __init__(self, chance: SeededChance, steps: int) -> None:
        self.steps = steps
        self.clients = chance.between(1, 4)
        self.lives = chance.between(2, 5)
        """How often the node is started."""
        self.ends: dict[End, int] = chance.one(
            (
                {End.KILL: 1, End.POWER: 1, End.STOP: 1},
                {End.KILL: 1},
                {End.POWER: 1},
                {End.POWER: 3, End.STOP: 1},
                {End.KILL: 3, End.STOP: 2},
            )
        )
        self.crash_in_start = chance.one((0.0, 0.0, 0.3))
        self.crash_at_operation = chance.one((0.0, 0.5, 0.9))
        """How often a crash comes in the middle of a call into the disk, not between two."""
        self.thinking_ms = chance.one((1, 20, 500))
        """How long a client waits between two steps, at most."""
        self.mishaps = self._mishaps(chance)
        self.mishap_ms = chance.one((300, 2_000, 20_000))
        """How long it is quiet between two mishaps, at most."""
        self.weather = self._weather(chance)
        self.pace = self._pace(chance)
        self.properties = self._properties(chance)
        self.directories = self.properties["log.dirs"].split(",")
        self.weights = self._weights(chance)

    def _mishaps(self, chance: SeededChance) -> dict[str, int]:
        """Some of them in each run, none in many."""
        if chance.often(0.4):
            return {}

        def sometimes(share: float) -> int:
            return int(chance.often(share))

        return {
            "writes back": sometimes(0.5),
            "resets": sometimes(0.4),
            "cuts": sometimes(0.3),
            "clock jumps": sometimes(0.3),
            "full disks": sometimes(0.2),
            "disk errors": sometimes(0.15),
        }

    def _weights(self, chance: SeededChance) -> dict[str, int]:
        def around(usual: int) -> int:
            return chance.one((0, usual, usual, usual * 4))

        return {
            "create": 3,
            "delete": around(1),
            "configure": around(1),
            "delete records": around(1),
            "move": around(2) if len(self.directories) > 1 else 0,
            "produce": 20,
            "produce once": around(20),
            "fetch": around(15),
            "follow": around(15),
            "list offsets": around(3),
            "hang up": around(1),
        }

    def _weather(self, chance: SeededChance) -> Weather:
        return Weather(
            usual_micros=chance.one((20, 200, 3_000)),
            late_share=chance.one((0.0, 0.03, 0.2)),
            chunk_bytes=chance.one((7, 1_000, 64_000)),
            window_bytes=chance.one((2_000, 64_000)),
        )

    def _pace(self, chance: SeededChance) -> Pace:
        return Pace(
            short_micros=chance.one((50, 300, 5_000)),
            long_micros=chance.one((5_000, 300_000)),
            long_share=chance.one((0.0, 0.1, 0.3)),
            cold_share=chance.one((0.0, 0.1, 0.5)),
            evicts_share=chance.one((0.0, 0.02, 0.2)),
        )

    def _properties(self, chance: SeededChance) -> dict[str, str]:
        often: Callable[[], str] = lambda: chance.one(("1000", "5000", "60000"))  # noqa: E731
        return {
            "auto.create.topics.enable": "false",
            "log.dirs": chance.one(("/data", "/data", "/data/a,/data/b")),
            "log.initial.task.delay.ms": "100",
            "log.retention.check.interval.ms": often(),
            "log.cleaner.backoff.ms": often(),
            "log.cleaner.dedupe.buffer.size": "2097152",
            "log.flush.scheduler.interval.ms": "1000",
            "log.flush.offset.checkpoint.interval.ms": "5000",
            "log.flush.start.offset.checkpoint.interval.ms": "5000",
            "replica.high.watermark.checkpoint.interval.ms": "5000",
            "metadata.log.max.record.bytes.between.snapshots": chance.one(("1000", "10000", "20971520")),
            "metadata.log.segment.bytes": "8388608",
            "metadata.max.retention.bytes": chance.one(("5000", "104857600")),
        }
