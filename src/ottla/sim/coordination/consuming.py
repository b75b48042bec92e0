"""The work of a member of a consumer group: fetch what it owns, commit how far it came; now and then in an older epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from ottla.sim.coordination.asking import CONSUMERS, SOURCE, NotNow, check
from ottla.sim.coordination.consumer_facts import ConsumerFacts, Membership
from ottla.sim.coordination.consumer_member import NEVER, ConsumerMember
from ottla.sim.coordination.consumer_watching import look
from ottla.sim.coordination.facts import GroupFacts
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.coordination.reading import fetch
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

TURNS: Final = 6
"""At most, in one step."""
WHAT: Final = {
    "fetch": 12,
    "commit": 6,
    "haunt": 1,
    "commit late": 2,
    "commit long ago": 1,
    "look": 1,
    "subscribe": 1,
}
VERSIONS: Final = (9, 10)
"""Of OffsetCommit and OffsetFetch: the first that knows member epochs, and the one that knows topics by id."""
OUT: Final = (ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID)


class Consumer:
    """One client."""

    def __init__(self, client: Client, groups: GroupFacts, facts: ConsumerFacts, plan: GroupPlan) -> None:
        self.member = ConsumerMember(client, facts, plan)
        self._client = client
        self._groups = groups
        self._facts = facts
        self._plan = plan
        self._positions: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._of: Membership | None = None
        """Whose positions these are."""
        self._doubtful: int | None = None
        """The life of the node in which a commit was sent that has no answer."""

    async def step(self) -> None:
        chance, member = self._client.chance, self.member
        doubtful, self._doubtful = self._doubtful, None
        # A commit that may still arrive late is shut out when its member is; one to a node that is dead is decided.
        if chance.often(self._plan.dies) or doubtful == self._facts.life:
            await self._go(as_another=doubtful is not None)
        for _ in range(1 + chance.below(TURNS)):
            try:
                await member.present()
            finally:  # what a heartbeat without an answer gave up may be somebody else's before it comes back
                self._keep_place()
            await self._turn()
            await self._client.world.clock.sleep(chance.below(self._plan.thinking_ms))

    async def _go(self, *, as_another: bool) -> None:
        chance, member = self._client.chance, self.member
        if chance.often(0.5) and member.membership.epochs:
            await member.leave()
            return
        if chance.often(0.5):
            self._client.hang_up()
        member.vanish(same=not as_another and chance.often(0.3))

    def _keep_place(self) -> None:
        """Positions are those of one membership, and of what it owns."""
        if self._of is not self.member.membership:
            self._of = self.member.membership
            self._positions.clear()
            self._committed.clear()
        for index in [each for each in self._positions if each not in self.member.shares]:
            del self._positions[index], self._committed[index]

    async def _turn(self) -> None:
        plan, chance = self._plan, self._client.chance
        what = chance.weighted(WHAT)
        if plan.at_peace:
            await self._work_in_peace()
        elif what == "haunt":
            await self.member.haunt()
        elif what == "commit late":
            await self._commit_late()
        elif what == "commit long ago":
            await self._commit_what_is_not_ours()
        elif what == "look":
            await look(self._client, self._facts)
        elif what == "subscribe":
            self.member.subscribe()
        elif what == "commit" and self._uncommitted():
            await self._commit(self._uncommitted(), self.member.membership.epoch)
        else:
            await self._fetch()

    async def _work_in_peace(self) -> None:
        try:
            for index in self.member.shares:
                await self._fetch_from(index)
        finally:
            if found := self._uncommitted():
                await self._commit(found, self.member.membership.epoch)
        await self._client.world.clock.sleep(self._plan.beat_ms)

    # -- records

    async def _fetch(self) -> None:
        if not self.member.shares:
            raise NotNow("others have everything")
        await self._fetch_from(self._client.chance.one(self.member.shares))

    async def _fetch_from(self, index: int) -> None:
        if index not in self._positions:
            await self._ask_positions()
        position = self._positions[index]
        found = await fetch(self._client, SOURCE, index, position)
        for number, record in enumerate(found.records):
            if record.offset != position + number:
                raise Violation(f"{SOURCE}-{index} was read from {position} on, and shows {record.offset}")
        self._positions[index] += len(found.records)
        self._facts.reads(index, position, self._positions[index])

    async def _ask_positions(self) -> None:
        """How far the group has come, in what is the member's."""
        membership, client = self.member.membership, self._client
        wanted = [each for each in self.member.shares if each not in self._positions]
        floors = {index: self._groups.floor(CONSUMERS, index) for index in wanted}
        topic = OffsetFetchRequestTopics(
            name=SOURCE, topic_id=self.member.topic_ids[SOURCE], partition_indexes=wanted
        )
        group = OffsetFetchRequestGroup(
            group_id=CONSUMERS, member_id=membership.member, member_epoch=membership.epoch, topics=[topic]
        )
        request = OffsetFetchRequest(groups=[group], require_stable=client.chance.often(0.5))
        newest = client.chance.one(VERSIONS)
        answer = (await client.call(request, OffsetFetchResponse, newest=newest)).groups[0]
        code = check(f"the offsets of {CONSUMERS}", answer.error_code, *OUT)
        if code:
            self._member_refused(code, bool(membership.unanswered) or not self._facts.certain(membership))
        for each in answer.topics[0].partitions:
            index, offset = each.partition_index, each.committed_offset
            check(f"the offset of {CONSUMERS} for {index}", each.error_code)
            self._groups.found(CONSUMERS, index, offset, floors[index])
            self._positions[index] = self._committed[index] = max(offset, 0)

    # -- commits

    def _uncommitted(self) -> dict[int, int]:
        return {index: at for index, at in self._positions.items() if at > self._committed[index]}

    async def _commit(self, offsets: Mapping[int, int], epoch: int) -> None:
        """Of what the member owns. Raises Unanswered, NotNow, Violation."""
        membership, facts = self.member.membership, self._facts
        must = all(facts.verdict(membership, (SOURCE, index), epoch) for index in offsets)
        for index, offset in offsets.items():
            self._groups.asks(CONSUMERS, index, offset)
        self._doubtful = facts.life
        code = await self._send(offsets, epoch)
        self._doubtful = None
        if code:
            self._member_refused(code, not must)
        if epoch < membership.epoch:
            facts.reached["commits of older epochs taken"] += 1
        for index, offset in offsets.items():
            self._groups.acked(CONSUMERS, index, offset)
            self._committed[index] = offset

    async def _send(self, offsets: Mapping[int, int], epoch: int) -> ErrorCode:
        membership, client = self.member.membership, self._client
        partitions = [
            OffsetCommitRequestPartition(partition_index=index, committed_offset=offset)
            for index, offset in sorted(offsets.items())
        ]
        topic_id = self.member.topic_ids[SOURCE]
        request = OffsetCommitRequest(
            group_id=CONSUMERS,
            generation_id_or_member_epoch=epoch,
            member_id=membership.member,
            group_instance_id=self.member.instance_id,
            topics=[OffsetCommitRequestTopic(name=SOURCE, topic_id=topic_id, partitions=partitions)],
        )
        client.note(f"{membership.member} commits {dict(offsets)} in epoch {epoch}")
        answer = await client.call(request, OffsetCommitResponse, newest=client.chance.one(VERSIONS))
        codes = {each.error_code for each in answer.topics[0].partitions}
        if len(codes) > 1:
            raise Violation(f"one commit to {CONSUMERS} has several answers: {sorted(codes)}")
        return check(f"a commit to {CONSUMERS}", codes.pop(), *OUT)

    def _member_refused(self, code: ErrorCode, excused: bool) -> None:
        """Raises NotNow, Violation."""
        membership = self.member.membership
        if code == ErrorCode.UNKNOWN_MEMBER_ID:
            self.member.shut_out(code)
        if not excused and self._facts.stands(membership, self._client.now):
            raise Violation(f"{membership.member} in epoch {membership.epoch} was answered {code.name}")
        raise NotNow(f"{membership.member} is behind: {code.name}")

    async def _commit_late(self) -> None:
        """In an epoch that has passed: it counts for what the member has had since then."""
        epochs, chance = self.member.membership.epochs, self._client.chance
        if len(epochs) < 2 or not self._positions:
            await self._fetch()
            return
        epoch, index = chance.one(epochs[:-1]), chance.one(sorted(self._positions))
        verdict = self._facts.verdict(self.member.membership, (SOURCE, index), epoch)
        if verdict is not False:
            await self._commit({index: self._positions[index]}, epoch)
        else:
            await self._commit_in_vain(index, epoch)

    async def _commit_what_is_not_ours(self) -> None:
        membership, chance = self.member.membership, self._client.chance
        others = [
            index
            for index in range(self._plan.partitions)
            if membership.epochs
            and self._facts.verdict(membership, (SOURCE, index), membership.epochs[0]) is False
        ]
        if others:
            await self._commit_in_vain(chance.one(others), membership.epochs[0])
        else:
            await self._fetch()

    async def _commit_in_vain(self, index: int, epoch: int) -> None:
        """What is not to be taken, and would be noticed wherever it is found."""
        membership = self.member.membership
        code = await self._send({index: NEVER * NEVER}, epoch)
        if not code:
            raise Violation(
                f"{membership.member} in epoch {membership.epoch} committed for partition {index} in epoch {epoch}, "
                "in which it did not have it"
            )
        self._facts.reached["late commits refused"] += 1
        if code == ErrorCode.UNKNOWN_MEMBER_ID:
            self.member.shut_out(code)
