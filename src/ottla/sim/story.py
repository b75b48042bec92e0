"""One run: a node lives several lives among clients, and after each start everything it promised is asked for.

A *life* is a start, the whole contents read and judged, clients at work, and an end. The last one ends in order, and a
start after it must find nothing to recover.
"""

from __future__ import annotations

from asyncio import Future
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ottla.broker.watching import SessionWatch
from ottla.sim.complaints import Complaints
from ottla.sim.disk.disk import SimDisk
from ottla.sim.judge.cluster import ClusterFacts
from ottla.sim.judge.facts import Violation
from ottla.sim.nemesis import Nemesis
from ottla.sim.node import PORT, SimNode
from ottla.sim.swarm import End, Plan
from ottla.sim.trace import KEPT, STORY
from ottla.sim.universe import Died, Universe
from ottla.sim.workload.administering import check_configs, topics_there
from ottla.sim.workload.client import Client, Unanswered
from ottla.sim.workload.reading import check_times, read_whole
from ottla.sim.workload.worker import Hand, Worker
from ottla.world.doors import Address

LIMIT_MS: Final = 24 * 3_600_000
"""No run takes longer than a day of its own time."""
STARTS_MAX: Final = 5
"""Crashes in a row while starting; then it may start in peace."""
QUIET_MS: Final = 35_000
"""After so long nothing of a client is left in a node."""
QUIET_LOOKS: Final = 5
QUIET_PAUSE_MS: Final = 997


class Story:
    """See the module. `run` tells it to its end."""

    world = "node"
    """Which kind of world this is, by the name that `make sim` knows."""

    def __init__(
        self, seed: int | str, steps: int, *, kept_events: int | None = KEPT, plan: type[Plan] = Plan
    ) -> None:
        """`kept_events` of the trace stay in words, None: all of them."""
        self.seed = seed
        self.universe = Universe(seed, kept_events=kept_events)
        self.plan = plan(self.universe.chance.split("plan"), steps)
        self.universe.fabric.weather = self.plan.weather
        self.facts = ClusterFacts()
        self.node = SimNode(self.universe, 1, self.plan.properties)
        self.node.machine.pace = self.plan.pace
        self.ends: list[End] = []
        self._chance = self.universe.chance.split("story")
        self._complaints = Complaints(self.universe)
        self._clients: list[Client] = []
        self._workers: list[Hand] = []
        clients = [f"client-{number}" for number in range(1, self.plan.clients + 1)]
        self._nemesis = Nemesis(self.universe, self.node, self.facts, self.plan, clients)
        self._reader: Client
        self._end = End.STOP
        self._unverified: set[End] = set()
        """How the node ended since everything was read last."""

    def run(self) -> Counter[str]:
        """How often what happened. Raises Violation, Stuck, and whatever the node should not have raised."""
        with self._complaints:
            self.universe.run(self._tell(), within_ms=LIMIT_MS)
        reached = self._complaints.reached + self._nemesis.reached
        reached.update(end.value for end in self.ends)
        reached["batches sent"] = len(self.facts.sent)
        return reached

    @property
    def steps_done(self) -> int:
        """Of all clients together."""
        return sum(worker.steps_done for worker in self._workers)

    async def _tell(self) -> None:
        for path in ("/data", "/data/a", "/data/b"):
            self.node.machine.volume.make_directory(path)
        self.node.machine.volume.root.sync_all()
        await self.node.format()
        address = Address(self.node.machine.name, PORT)
        self._reader = Client(self.universe, 0, address, self.facts)
        for number in range(1, self.plan.clients + 1):
            client = Client(self.universe, number, address, self.facts)
            self._clients.append(client)
            self._workers.append(self._hand(client, number))
        for life in range(self.plan.lives):
            await self._start()
            await self._verify()
            await self._live(self.plan.steps // self.plan.lives, last=life == self.plan.lives - 1)
        await self._start()
        await self._verify()
        await self._finish()
        await self._node_stops()

    def _hand(self, client: Client, number: int) -> Hand:
        """What the so many-th client does."""
        return Worker(client, self.plan)

    async def _finish(self) -> None:
        """What is left to do in peace, before the last stop."""

    # -- the beginning of a life

    async def _start(self) -> None:
        for attempt in range(STARTS_MAX):
            crash = attempt < STARTS_MAX - 1 and self._chance.often(self.plan.crash_in_start)
            if crash:
                self._crash_after(1 + self._chance.below(150), self._some_crash())
            try:
                await self.node.start()
            except Died:
                self._ended()
                continue
            self._stop_counting()
            if not self.node.alive:  # the crash came between its last step and here
                self._ended()
                continue
            self._judge_log()
            return

    def _judge_log(self) -> None:
        """Errors in the log of a node that had no reason for them. Nothing is a reason for a traceback."""
        errors = self._complaints.errors
        serious = [each for each in errors if not self._nemesis.noticed or "Traceback" in each]
        if serious:
            raise Violation("the node logs an error: " + serious[0])
        errors.clear()
        failures = [] if self.node.process is None else self.node.process.failures
        if failures:
            raise Violation(f"a callback failed: {failures[0]}")

    # -- asking for everything

    async def _verify(self) -> None:
        await self._on(self._reader, self._read_everything(), "read everything")
        self._unverified.clear()
        self.facts.close_open()
        self._judge_log()

    async def _read_everything(self) -> None:
        client, power = self._reader, End.POWER in self._unverified
        client.hang_up()
        try:
            self.facts.settle_topics(await topics_there(client))
            for topic in self.facts.usable():
                await check_configs(client, topic)
                for partition in topic.partitions:
                    found, start, end = await read_whole(client, partition)
                    partition.verify(found, start, end, self.facts.sent, power=power)
                    await check_times(client, partition, found)
        except Unanswered as error:
            raise Violation(f"the node does not answer: {error}") from error

    async def _on(self, client: Client, work: Any, name: str) -> Any:
        return await self.universe.begin(client.process, work, name=name)

    # -- the middle

    async def _live(self, steps: int, *, last: bool) -> None:
        self._end = End.STOP if last else self._chance.weighted(self.plan.ends)
        dead = self._when_dead()
        self.facts.calm = True
        self.universe.begin(self.universe.observer, self._nemesis.haunt(dead), name="nemesis")
        for client in self._clients:
            client.after_crash = self.node.starts > 1
        self._set_end()
        working = [
            self.universe.begin(
                worker.client.process, worker.work(steps // len(self._workers), dead), name="work"
            )
            for worker in self._workers
        ]
        for each in working:
            await each
        self._judge_log()
        if not self.node.alive and self.node.fatal is not None:
            self._end = End.KILL
        if self.node.alive:
            self._stop_counting()
            self.facts.calm = False
            await self._end_it()
        self._ended()

    def _when_dead(self) -> Future[None]:
        """Done when the node has ended, however it did."""
        dead = self.universe.observer.create_future()
        assert self.node.process is not None

        def died() -> None:
            if not dead.done():
                dead.set_result(None)

        self.node.process.ended.append(died)
        return dead

    def _set_end(self) -> None:
        """Choose a moment for a crash while clients work; it may come after they are done."""
        if self._end is End.STOP:
            return
        if self._chance.often(self.plan.crash_at_operation):
            self._crash_after(1 + self._chance.skewed(0, 3_000), self._crash(self._end))
        else:
            process = self.node.process

            def crash() -> None:
                if self.node.process is process and self.node.alive:
                    self._crash(self._end)()

            self.universe.schedule.after(self._chance.skewed(0, 20_000_000), crash)

    async def _end_it(self) -> None:
        """The clients are done, and the node still lives."""
        if self._end is not End.STOP:
            self._crash(self._end)()
            return
        if self._chance.often(0.3) and not self._nemesis.harmed:
            await self._check_quiet()
        await self._node_stops()

    async def _check_quiet(self) -> None:
        """When all clients have left for a while, nothing of them is left in the node."""
        for client in (*self._clients, self._reader):
            client.hang_up()
        await self.universe.clock.sleep(QUIET_MS)
        for _ in range(QUIET_LOOKS):
            left = self._held()
            if not left:
                return
            # A flush or a checkpoint may hold a file just now; what is still there next time has been forgotten.
            await self.universe.clock.sleep(QUIET_PAUSE_MS)
        raise Violation(f"nobody is there, and the node still holds {left}")

    def _held(self) -> dict[str, object]:
        """What the node keeps for clients."""
        running = self.node.running
        assert running is not None
        services, disk = running.services, running.world.disk
        assert isinstance(disk, SimDisk)
        held = {
            "deadlines": len(services.deadlines),
            "waiters": sum(
                not isinstance(waiter, SessionWatch) or waiter.closed  # a session stays when its client goes
                for partition in services.partitions
                for waiter in partition.waiters
            ),
            "pinned files": dict(disk.pins),
        }
        return {what: count for what, count in held.items() if count}

    async def _node_stops(self) -> None:
        try:
            await self.node.stop()
        except Died:  # its disk failed while it stopped
            self._end = End.KILL
        self._judge_log()
        if self._end is End.STOP and not self._nemesis.harmed:
            self.facts.stopped()

    # -- the end of a life

    def _some_crash(self) -> Callable[[], None]:
        self._end = End.POWER if End.POWER in self.plan.ends and self._chance.often(0.5) else End.KILL
        return self._crash(self._end)

    def _crash(self, end: End) -> Callable[[], None]:
        return self.node.lose_power if end is End.POWER else self.node.kill

    def _crash_after(self, operations: int, crash: Callable[[], None]) -> None:
        """Let the crash come within the so many-th call that changes the disk."""
        left = operations
        volume = self.node.machine.volume

        def watch(operation: str, path: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.universe.note(STORY, f"crashes in {operation} {path}")
                crash()

        volume.watch = watch

    def _stop_counting(self) -> None:
        self.node.machine.volume.watch = lambda operation, path: None

    def _ended(self) -> None:
        """The node is gone: what it had promised until now has to be there."""
        self._stop_counting()
        now = self.universe.schedule.micros // 1_000
        harmed_at = self._nemesis.harmed_at
        self.facts.settle(now if harmed_at is None else min(now, harmed_at))
        self._nemesis.mend()
        self.ends.append(self._end)
        self._unverified.add(self._end)
