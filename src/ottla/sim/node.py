"""A whole node on a simulated machine: formatted, started, stopped in order, killed, robbed of its power.

It is `broker.node.Node` as it runs anywhere; only its doors are simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.formatting.format import format_storage
from ottla.broker.formatting.options import FormatOptions
from ottla.broker.node import Node
from ottla.sim.process import Process
from ottla.sim.trace import STORY
from ottla.sim.universe import Machine, Universe
from ottla.world.doors import World

CLUSTER_ID: Final = "c2ltdWxhdGVkLWNsdXN0"
PORT: Final = 9092
CONTROLLER_PORT: Final = 9093
START_MS: Final = 120_000
STOP_MS: Final = 120_000


class SimNode:
    """One combined node. `properties` are laid over those that every simulated node has."""

    def __init__(self, universe: Universe, node_id: int, properties: Mapping[str, str] | None = None) -> None:
        self.universe = universe
        self.node_id = node_id
        self.machine: Machine = universe.machine(f"node-{node_id}")
        self.properties = {**self._properties(), **(properties or {})}
        self.running: Node | None = None
        self.process: Process | None = None
        self.fatal: str | None = None
        """Why the node said that it cannot go on."""
        self.starts = 0

    def _properties(self) -> dict[str, str]:
        host = self.machine.name
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node_id),
            "listeners": f"PLAINTEXT://{host}:{PORT},CONTROLLER://{host}:{CONTROLLER_PORT}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"{host}:{CONTROLLER_PORT}",
            "log.dirs": "/data",
        }

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    async def format(self) -> None:
        """Make the empty directories those of this node. For the observer."""
        process, world = self.machine.process(f"format-{self.node_id}")

        async def work() -> None:
            options = FormatOptions(CLUSTER_ID, standalone=True)
            settings = NodeSettings(self.properties)
            format_storage(settings, world.disk, world.chance, options, wall=world.clock.wall)

        await self.universe.begin(process, work(), name="format")
        process.kill()

    async def start(self) -> None:
        """For the observer. Raises what `Node.start` raises; Died when a crash comes first."""
        self.starts += 1
        self.fatal = None
        self.universe.note(STORY, f"starts node {self.node_id}")
        process, world = self.machine.process(f"node-{self.node_id}")
        self.process = process
        await self.universe.begin(process, self._start(process, world), name="start")

    async def _start(self, process: Process, world: World) -> None:
        def cannot_go_on(reason: str) -> None:
            self.fatal = reason
            self.universe.note(STORY, f"node {self.node_id} ends: {reason}")
            process.call_soon(process.kill)

        self.running = Node(NodeSettings(self.properties), world, on_fatal=cannot_go_on)
        await self.running.start()

    async def stop(self) -> None:
        """An orderly stop. For the observer."""
        assert self.running is not None and self.process is not None
        self.universe.note(STORY, f"stops node {self.node_id}")
        await self.universe.begin(self.process, self.running.stop(), name="stop")
        self._end()

    def kill(self) -> None:
        """SIGKILL."""
        self.universe.note(STORY, f"kills node {self.node_id}")
        self._end()

    def _end(self) -> None:
        self.running = None
        if self.process is not None:
            self.process.kill()

    def lose_power(self) -> None:
        """The machine goes dark."""
        self.running = None
        self.machine.lose_power()
