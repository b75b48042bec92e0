"""A client at work: step by step something else, as the plan of the run weighs it."""

from __future__ import annotations

from asyncio import Future

from ottla.sim.judge.cluster import TopicFacts
from ottla.sim.swarm import Plan
from ottla.sim.workload import administering, producing, reading
from ottla.sim.workload.client import Client, Unanswered


class Hand:
    """A client and what it does, step by step."""

    def __init__(self, client: Client, plan: Plan) -> None:
        self.client = client
        self.steps_done = 0
        self._plan = plan

    async def work(self, steps: int, dead: Future[None]) -> None:
        """So many steps, or until the node is dead."""
        for _ in range(steps):
            if dead.done():
                return
            await self.client.world.clock.sleep(self.client.chance.below(self._plan.thinking_ms))
            self.steps_done += 1
            try:
                await self.step()
            except Unanswered as error:
                self.client.note(f"has no answer: {error}")
                await self.client.world.clock.sleep(100)

    async def step(self) -> None:
        """Raises Unanswered, Violation."""
        raise NotImplementedError


class Worker(Hand):
    """One client, its idempotent producer and its fetch session."""

    def __init__(self, client: Client, plan: Plan) -> None:
        super().__init__(client, plan)
        self._idempotent = producing.Idempotent(client, 1)
        self._follower = reading.Follower(client)

    async def step(self) -> None:
        client = self.client
        topics = client.facts.usable()
        what = client.chance.weighted(self._plan.weights) if topics else "create"
        if what == "create":
            await administering.create_topic(client)
            return
        await self._on(what, client.chance.one(topics))

    async def _on(self, what: str, topic: TopicFacts) -> None:
        client = self.client
        match what:
            case "delete":
                await administering.delete_topic(client, topic)
            case "configure":
                await administering.change_config(client, topic)
            case "delete records":
                await administering.delete_records(client, topic)
            case "move":
                await administering.move_log(client, topic, self._plan.directories)
            case "produce":
                await self._idempotent.step(topic)
            case "produce once":
                await producing.send_plain(client, topic)
            case "fetch":
                await reading.fetch_some(client, topic)
            case "follow":
                await self._follower.step(topic)
            case "list offsets":
                await self._list_offsets(topic)
            case "hang up":
                client.hang_up()
            case _:
                raise ValueError(what)

    async def _list_offsets(self, topic: TopicFacts) -> None:
        partition = self.client.chance.one(topic.partitions)
        end = partition.end
        code, offset, _ = await reading.list_offset(self.client, partition, reading.LATEST)
        if topic.usable and not code:
            partition.told_end(max(offset, partition.end))
            if offset < end:
                raise partition.wrong(f"its end was {end} and is {offset} now")
