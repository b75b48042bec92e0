"""A simulated world: machines with disks, a network between them, one time for all, one seed behind everything.

    universe = Universe(seed=7)
    process, world = universe.machine("node-1").process("node")
    universe.begin(process, serve(world))
    universe.run(story(), within_ms=60_000)

The *observer* is a process on no machine: it never dies, and the story of a run is told in it.
"""

from __future__ import annotations

from asyncio import Future, Task
from collections.abc import Coroutine
from typing import Any, TypeVar

from ottla.sim.chance import SeededChance
from ottla.sim.clock import SimClock, WallClock
from ottla.sim.disk.disk import Pace, SimDisk
from ottla.sim.disk.volume import Volume
from ottla.sim.network.fabric import Fabric
from ottla.sim.network.network import SimNetwork
from ottla.sim.process import Process
from ottla.sim.schedule import Schedule
from ottla.sim.trace import KEPT, STORY, Trace
from ottla.world.doors import World

T = TypeVar("T")


class Machine:
    """One computer: its disk and its wall clock stay when its processes go."""

    def __init__(self, universe: Universe, name: str) -> None:
        self.name = name
        self.volume = Volume()
        self.wall = WallClock()
        self.pace = Pace()
        self._universe = universe
        self._chance = universe.chance.split(name)
        self._booted = 0
        self._started = 0
        self._processes: list[Process] = []

    def process(self, name: str) -> tuple[Process, World]:
        """A new process, and the doors it sees the world through."""
        universe = self._universe
        self._started += 1
        process = Process(universe.schedule, name)
        self._processes = [each for each in self._processes if each.alive]
        self._processes.append(process)
        chance = self._chance.split(f"{name} {self._started}")
        clock = SimClock(process, self.wall, self._booted)
        disk = SimDisk(process, self.volume, chance.split("disk"), clock.wall, self.pace)
        network = SimNetwork(universe.fabric, process, self.name)
        return process, World(clock=clock, network=network, disk=disk, chance=chance)

    def lose_power(self) -> None:
        """Everything on it ends at once; the disk keeps what was synced and chance decides about the rest."""
        self._universe.note(STORY, f"{self.name} loses its power")
        for connection in self._universe.fabric.of(self.name):
            connection.vanish()
        for process in self._processes:
            process.kill()
        self._processes.clear()
        self.volume.lose_power(self._chance)
        self._booted = self._universe.schedule.micros


class Universe:
    """See the module."""

    def __init__(self, seed: int | str, *, kept_events: int | None = KEPT) -> None:
        self.chance = SeededChance(seed)
        self.trace = Trace(kept_events)
        self.schedule = Schedule(self.trace)
        self.fabric = Fabric(self.schedule, self.chance.split("network"))
        self.observer = Process(self.schedule, "observer")
        self.clock = SimClock(self.observer, WallClock())
        """The observer's."""
        self.machines: dict[str, Machine] = {}

    def machine(self, name: str) -> Machine:
        """The machine of that name, built when it is asked for first."""
        found = self.machines.get(name)
        if found is None:
            found = self.machines[name] = Machine(self, name)
        return found

    def note(self, who: str, what: str) -> None:
        self.trace.note(self.schedule.micros, who, what)

    def begin(self, process: Process, work: Coroutine[Any, Any, Any], *, name: str = "work") -> Future[Any]:
        """Let `process` begin to do it. The future belongs to the observer: it ends with what the work returns or
        raises, or with `Died`."""
        done: Future[Any] = self.observer.create_future()
        if not process.alive:
            work.close()
            done.set_exception(Died(process.name))
            return done
        task = process.create_task(work, name=name)

        def ended(task: Task[Any]) -> None:
            if done.done():
                return
            if task.cancelled():
                done.cancel()
            elif (error := task.exception()) is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        def died() -> None:
            if not done.done():
                done.set_exception(Died(process.name))

        task.add_done_callback(ended)
        process.ended.append(died)
        return done

    def run(self, work: Coroutine[Any, Any, T], *, within_ms: int) -> T:
        """Let the observer do it, and the world go on until that is done. Raises what it raises, and Stuck."""
        done = self.begin(self.observer, work, name="observer")
        self.schedule.run(done, within_ms)
        result: T = done.result()
        return result


class Died(Exception):
    """The process was killed before its work was done."""
