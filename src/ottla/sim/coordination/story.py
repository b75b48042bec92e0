"""One run of groups and transactions: clients of the coordinators of a node that is killed again and again.

The lives are those of every simulated node. After each start committed offsets are asked for; at the end all clients
go on in peace until the loop has come to the end of its source, and then everything is counted.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from ottla.sim.coordination.asking import (
    COMMITTERS,
    CONSUMERS,
    GROUP_KEY,
    LOOP,
    SINK,
    SOURCE,
    NotNow,
    check,
    find,
)
from ottla.sim.coordination.committing import Committer
from ottla.sim.coordination.consumer_facts import ConsumerFacts
from ottla.sim.coordination.consumer_watching import wait_for_rest
from ottla.sim.coordination.consuming import Consumer
from ottla.sim.coordination.facts import GroupFacts
from ottla.sim.coordination.looping import Loop
from ottla.sim.coordination.member import committed
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.coordination.reading import Auditor, Writer, fetch
from ottla.sim.coordination.share_facts import ShareFacts
from ottla.sim.coordination.share_watching import begin_at_the_beginning, check_progress, wait_for_the_end
from ottla.sim.coordination.sharing import Sharer
from ottla.sim.judge.facts import Violation
from ottla.sim.story import Story
from ottla.sim.trace import KEPT
from ottla.sim.workload.client import Client, Unanswered
from ottla.sim.workload.worker import Hand

SETTLED_MS: Final = 60_000
"""After so long in peace every transaction that was left open has been aborted."""
FINISHED_MS: Final = 120_000
"""And in this time the loop comes to the end of its source."""
PAUSE_MS: Final = 200


class Role(Protocol):
    """What a client does, step by step."""

    async def step(self) -> None: ...


class Member(Hand):
    """A client in its role."""

    def __init__(self, client: Client, plan: GroupPlan, role: Role) -> None:
        super().__init__(client, plan)
        self.role = role

    async def step(self) -> None:
        try:
            await self.role.step()
        except NotNow as error:
            self.client.note(f"waits: {error}")
            await self.client.world.clock.sleep(20 + self.client.chance.below(100))


class GroupStory(Story):
    """See the module."""

    plan: GroupPlan
    world = "groups"

    def __init__(self, seed: int | str, steps: int, *, kept_events: int | None = KEPT) -> None:
        super().__init__(seed, steps, kept_events=kept_events, plan=GroupPlan)
        self.groups = GroupFacts()
        self.shared = ShareFacts(self.plan.lock_ms, self.plan.deliveries_max, self.groups.reached)
        self.consumed = ConsumerFacts(self.plan.session_ms, self.plan.rebalance_ms, self.groups.reached)

    def run(self) -> Counter[str]:
        return super().run() + self.groups.reached

    def _hand(self, client: Client, number: int) -> Hand:
        name = self.plan.roles[number - 1]
        if name == "share":
            return Member(client, self.plan, Sharer(client, self.shared, self.plan))
        if name == "consume":
            return Member(client, self.plan, Consumer(client, self.groups, self.consumed, self.plan))
        roles: dict[str, type[Loop | Committer | Auditor | Writer]] = {
            "loop": Loop,
            "commit": Committer,
            "audit": Auditor,
            "write": Writer,
        }
        return Member(client, self.plan, roles[name](client, self.groups, self.plan))

    def _held(self) -> dict[str, object]:
        """Coordinators have alarms of their own, whoever is there."""
        held = super()._held()
        held.pop("deadlines", None)
        return held

    # -- asking for everything

    async def _read_everything(self) -> None:
        """After a start: the topics are made when they are not there yet, and committed offsets are what they were."""
        client = self._reader
        client.hang_up()
        try:
            if self.node.starts == 1 or not await self._has_topics():
                await self._create()
            for group in (LOOP, COMMITTERS, CONSUMERS):
                await self._settled(client, group)
            self.shared.node_started()
            self.consumed.node_started()
            await check_progress(client, self.shared, self.plan.partitions, SETTLED_MS)
        except (Unanswered, KafkaError) as error:
            raise Violation(f"the node does not answer: {error}") from error

    async def _has_topics(self) -> bool:
        try:
            await self._ends()
        except NotNow:
            return False
        return True

    async def _create(self) -> None:
        await begin_at_the_beginning(self._reader)
        topics = [
            CreatableTopic(name=name, num_partitions=count, replication_factor=1)
            for name, count in ((SOURCE, self.plan.partitions), (SINK, self.plan.sinks))
        ]
        await self._reader.call(CreateTopicsRequest(topics=topics), CreateTopicsResponse)
        for _ in range(50):
            if await self._has_topics():
                return
            await self._reader.world.clock.sleep(PAUSE_MS)
        raise Violation("topics that were created do not come")

    async def _settled(self, client: Client, group: str) -> dict[int, int]:
        """What the group has committed, once no transaction is open any more."""
        until = client.now + SETTLED_MS
        while True:
            try:
                await find(client, GROUP_KEY, group)
                return await committed(client, self.groups, group, list(range(self.plan.partitions)))
            except NotNow as error:
                if client.now > until:
                    raise Violation(f"the offsets of {group} stay in doubt: {error}") from None
            await client.world.clock.sleep(PAUSE_MS)

    async def _ends(self) -> dict[int, int]:
        """Where the source ends."""
        wanted = [
            ListOffsetsPartition(partition_index=index, timestamp=-1) for index in range(self.plan.partitions)
        ]
        request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=SOURCE, partitions=wanted)])
        answer = await self._reader.call(request, ListOffsetsResponse)
        ends: dict[int, int] = {}
        for each in answer.topics[0].partitions:
            check("the end of the source", each.error_code)
            ends[each.partition_index] = each.offset
        return ends

    # -- the end

    async def _finish(self) -> None:
        """In peace the loop and the share group come to the end, and what the loop wrote is counted."""
        last = [
            hand
            for hand in self._workers
            if isinstance(hand, Member) and isinstance(hand.role, Loop | Sharer | Consumer)
        ]
        self.facts.calm = self.plan.at_peace = True
        self.plan.dies = self.plan.aborts = self.plan.misses = 0.0
        dead = self._when_dead()
        working = [
            self.universe.begin(hand.client.process, hand.work(1 << 30, dead), name="finish") for hand in last
        ]
        try:
            await self._on(self._reader, self._wait_for_the_end(LOOP), "wait")
            ends = await self._on(self._reader, self._ends(), "ask for the ends")
            await self._on(self._reader, wait_for_the_end(self._reader, ends, FINISHED_MS), "wait")
            await self._on(self._reader, self._wait_for_consumers(ends), "wait")
        finally:
            dead.set_result(None)
            for each in working:
                await each  # who found a promise broken says so itself
        self.shared.complete(ends)
        self.groups.reached["shared to the end"] += sum(ends.values())
        await self._on(self._reader, self._count(), "count")

    async def _wait_for_the_end(self, group: str) -> None:
        client = self._reader
        until = client.now + FINISHED_MS
        while True:
            ends = await self._ends()
            try:
                found = await committed(client, self.groups, group, sorted(ends))
            except NotNow:
                found = {}
            if {index: max(offset, 0) for index, offset in found.items()} == ends:
                return
            if client.now > until:
                raise Violation(f"{group} does not come to the end: {found} of {ends}")
            await client.world.clock.sleep(1_000)

    async def _wait_for_consumers(self, ends: dict[int, int]) -> None:
        """Until each has its share, and together they have read everything."""
        members = [
            hand.role.member
            for hand in self._workers
            if isinstance(hand, Member) and isinstance(hand.role, Consumer)
        ]
        if not members:
            return
        counts = {SOURCE: self.plan.partitions, SINK: self.plan.sinks}
        await wait_for_rest(self._reader, self.consumed, members, counts, FINISHED_MS)
        await self._wait_for_the_end(CONSUMERS)
        self.consumed.complete(ends)
        self.groups.reached["consumed to the end"] += sum(ends.values())

    async def _count(self) -> None:
        """Everything in the sink against everything in the source."""
        found = {index: max(at, 0) for index, at in (await self._settled(self._reader, LOOP)).items()}
        values: list[bytes] = []
        for partition in range(self.plan.sinks):
            values += [value async for value in self._all_of(partition)]
        self.groups.count(values, found)

    async def _all_of(self, partition: int):  # type: ignore[no-untyped-def]
        client, offset = self._reader, 0
        until = client.now + SETTLED_MS
        while True:
            fetched = await fetch(client, SINK, partition, offset)
            for record in fetched.records:
                yield record.value or b""
            offset = fetched.next_offset
            if offset >= fetched.end:
                return
            if client.now > until:
                raise Violation(f"{SINK}-{partition} stays in doubt from {fetched.stable} on")
            if not fetched.records:
                await client.world.clock.sleep(PAUSE_MS)
