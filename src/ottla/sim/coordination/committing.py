"""A member that only commits: each time a little further than the group was."""

from __future__ import annotations

from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.sim.coordination.asking import COMMITTERS, SOURCE, NotNow, check
from ottla.sim.coordination.facts import GroupFacts
from ottla.sim.coordination.member import OUT, Member, committed
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.workload.client import Client, Unanswered

COMMIT_VERSION = 9
"""The newest one that names topics."""


class Committer:
    """One client."""

    def __init__(self, client: Client, facts: GroupFacts, plan: GroupPlan) -> None:
        self._client = client
        self._facts = facts
        self._plan = plan
        self._member = Member(client, facts, COMMITTERS, plan.partitions)
        self._positions: dict[int, int] = {}

    async def step(self) -> None:
        chance, member = self._client.chance, self._member
        if chance.often(self._plan.dies):
            if chance.often(0.5) and member.generation >= 0:
                await member.leave()
            member.vanish()
        if await member.present():
            self._positions.clear()
        if not member.share:
            raise NotNow("others have everything")
        if not self._positions:
            self._positions = await committed(self._client, self._facts, member.group, member.share)
        strides = {index: chance.below(5) for index in member.share if chance.often(0.7)}
        if strides:
            await self._commit(strides)

    async def _commit(self, strides: dict[int, int]) -> None:
        member, facts = self._member, self._facts
        wanted = {index: max(self._positions[index], 0) + stride for index, stride in strides.items()}
        for index, offset in wanted.items():
            facts.asks(member.group, index, offset)
        partitions = [
            OffsetCommitRequestPartition(partition_index=index, committed_offset=offset)
            for index, offset in wanted.items()
        ]
        request = OffsetCommitRequest(
            group_id=member.group,
            generation_id_or_member_epoch=member.generation,
            member_id=member.id,
            topics=[OffsetCommitRequestTopic(name=SOURCE, partitions=partitions)],
        )
        self._client.note(f"commits {wanted} in generation {member.generation}")
        try:
            answer = await self._client.call(request, OffsetCommitResponse, newest=COMMIT_VERSION)
        except Unanswered:
            member.lose_hold()
            raise
        for each in answer.topics[0].partitions:
            try:
                code = check(f"a commit to {member.group}", each.error_code, *OUT)
            except Exception:
                member.lose_hold()  # it may have been written all the same
                raise
            member.heard(code)
            self._positions[each.partition_index] = wanted[each.partition_index]
            facts.acked(member.group, each.partition_index, wanted[each.partition_index])
