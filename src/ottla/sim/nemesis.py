"""What goes wrong while a node lives: the network, the clock on the wall, the disk. Crashes are the story's own.

To add a mishap: a method here, its weight in `swarm.Plan`, and, if the node may refuse requests meanwhile, `calm` taken
away from the facts until it has got over it.
"""

from __future__ import annotations

import errno
from asyncio import Future
from collections import Counter
from typing import Final

from ottla.sim.chance import SeededChance
from ottla.sim.judge.cluster import ClusterFacts
from ottla.sim.node import SimNode
from ottla.sim.swarm import Plan
from ottla.sim.trace import STORY
from ottla.sim.universe import Universe

JUMP_MS: Final = 1_200_000
"""The wall clock of the node and those of its clients stay within the hour that timestamps may lie in the future."""
CUT_MS: Final = 8_000
FULL_MS: Final = 5_000
RECOVERED_MS: Final = 3_000
"""When space is back, a node works again after so long by itself."""


class Nemesis:
    """One for all lives of a node. `reached` counts what it did."""

    def __init__(
        self, universe: Universe, node: SimNode, facts: ClusterFacts, plan: Plan, clients: list[str]
    ) -> None:
        self.reached: Counter[str] = Counter()
        self.harmed = False
        """In this life the disk failed: the node may have lost a directory."""
        self.harmed_at: int | None = None
        """When it failed first, in the world's milliseconds: what was due by time since may not have been done."""
        self.noticed = False
        """In this life something happened to the disk that the node tells of in its log."""
        self._universe = universe
        self._node = node
        self._facts = facts
        self._plan = plan
        self._clients = clients
        self._chance: SeededChance = universe.chance.split("nemesis")

    async def haunt(self, over: Future[None]) -> None:
        """Let things go wrong until the life is over. For the observer."""
        while sum(self._plan.mishaps.values()):
            await self._universe.clock.sleep(1 + self._chance.skewed(0, self._plan.mishap_ms))
            if over.done() or not self._node.alive:
                return
            mishap = self._chance.weighted(self._plan.mishaps)
            self.reached[mishap] += 1
            match mishap:
                case "writes back":
                    self._node.machine.volume.write_back(self._chance)
                case "resets":
                    self._reset()
                case "cuts":
                    await self._cut()  # mended with the life, if that ends first
                case "clock jumps":
                    self._jump()
                case "full disks":
                    await self._fill_disk(over)
                case "disk errors":
                    self._break_disk()
                case _:
                    raise ValueError(mishap)

    def mend(self) -> None:
        """The life is over: the next one begins on a disk that works."""
        volume = self._node.machine.volume
        volume.room = None
        volume.broken = {}
        volume.fail_next = None
        self.harmed = self.noticed = False
        self.harmed_at = None
        for client in self._clients:
            if self._universe.fabric.is_cut(client, self._node.machine.name):
                self._universe.fabric.heal(client, self._node.machine.name)

    # -- network

    def _reset(self) -> None:
        """One connection breaks, each end hears of it in its own time."""
        ends = self._universe.fabric.of(self._node.machine.name)
        if not ends:
            return
        end = self._chance.one(ends)
        self._universe.note(STORY, f"resets {end}")
        for each in (end, end.other):
            if each is not None:
                self._universe.schedule.after(self._chance.below(100_000), each.reset)

    async def _cut(self) -> None:
        client = self._chance.one(self._clients)
        self._universe.fabric.cut(client, self._node.machine.name)
        await self._universe.clock.sleep(self._chance.skewed(1, CUT_MS))
        self._universe.fabric.heal(client, self._node.machine.name)

    # -- time

    def _jump(self) -> None:
        """To some place within the bounds, so that jumps do not add up."""
        wall, usual = self._node.machine.wall, self._universe.clock.wall() - self._universe.clock.now()
        offset = usual + self._chance.between(-JUMP_MS, JUMP_MS)
        self._universe.note(STORY, f"sets the wall clock by {offset - wall.offset} ms")
        wall.jump(offset - wall.offset)

    # -- disk

    async def _fill_disk(self, over: Future[None]) -> None:
        """For a while only a little can be written. Then there is room again, and work has to go on by itself."""
        volume = self._node.machine.volume
        self._facts.calm = False
        self.noticed = True
        volume.room = self._chance.skewed(0, 4_000)
        self._universe.note(STORY, f"leaves {volume.room} bytes of room")
        await self._universe.clock.sleep(self._chance.skewed(1, FULL_MS))
        if over.done():
            return
        volume.room = None
        self._universe.note(STORY, "gives room again")
        await self._universe.clock.sleep(RECOVERED_MS)
        if not over.done():
            self._facts.calm = not self.harmed

    def _break_disk(self) -> None:
        """One call fails, or everything in a directory from now on."""
        volume = self._node.machine.volume
        self._facts.calm = False
        self.harmed = self.noticed = True
        if self.harmed_at is None:
            self.harmed_at = self._universe.schedule.micros // 1_000
        if self._chance.often(0.5):
            volume.fail_next = (self._chance.one(("write", "sync", "rename", "create", "read")), errno.EIO)
            self._universe.note(STORY, f"lets the next {volume.fail_next[0]} fail")
            return
        path = self._chance.one(self._plan.directories)
        volume.broken = {path: errno.EIO}
        self._universe.note(STORY, f"breaks {path}")
