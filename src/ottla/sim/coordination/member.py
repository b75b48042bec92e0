"""A member of a classic group: joins, shares, beats, and asks how far the group has come."""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from ottla.core.wire.messages.sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from ottla.sim.coordination.asking import GROUP_KEY, SOURCE, NotNow, check, find
from ottla.sim.coordination.facts import GroupFacts
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

SESSION_MS: Final = 6_000
BEAT_MS: Final = 1_000
OUT: Final = (
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.REBALANCE_IN_PROGRESS,
)
"""The generation has passed, or the member with it."""
OFFSETS_VERSION: Final = 9
"""The newest version of OffsetFetch that names topics."""


class Member:
    """`generation` is -1 while it is in none."""

    def __init__(self, client: Client, facts: GroupFacts, group: str, partitions: int) -> None:
        self.id = ""
        self.generation = -1
        self.share: list[int] = []
        self.group = group
        self._client = client
        self._facts = facts
        self._partitions = partitions
        self._beat_at = 0
        self._anew = 0

    async def present(self) -> bool:
        """Be in the newest generation; whether it is another than before. Raises Unanswered, NotNow."""
        if self.generation < 0:
            await self._join()
            return True
        if self._client.now >= self._beat_at:
            await self._beat()
        return False

    def lose_hold(self) -> None:
        """Something it sent has no answer and may come late: only another generation shuts that out."""
        self.generation = -1
        self._anew += 1

    def vanish(self) -> None:
        """Come back as somebody else; the group hears nothing of it."""
        self.id = ""
        self.lose_hold()

    async def leave(self) -> None:
        request = LeaveGroupRequest(group_id=self.group, members=[MemberIdentity(member_id=self.id)])
        gone = self.id
        self.vanish()
        answer = await self._client.call(request, LeaveGroupResponse)
        check(f"leaving of {gone}", answer.error_code)

    # -- joining

    async def _join(self) -> None:
        # Other metadata than last time make the coordinator begin a generation.
        told = b"%s %d" % (self._client.name.encode(), self._anew)
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=SESSION_MS,
            member_id=self.id,
            protocol_type="simulated",
            protocols=[JoinGroupRequestProtocol(name="even", metadata=told)],
        )
        answer = await self._client.call(request, JoinGroupResponse)
        if answer.error_code in (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE):
            await find(self._client, GROUP_KEY, self.group)
        code = check(f"joining {self.group}", answer.error_code, *OUT, ErrorCode.MEMBER_ID_REQUIRED)
        if code == ErrorCode.UNKNOWN_MEMBER_ID:
            self.id = ""
        elif code == ErrorCode.MEMBER_ID_REQUIRED:
            self.id = answer.member_id
        if code:
            raise NotNow(f"joining: {code.name}")
        self.id = answer.member_id
        await self._sync(answer)

    async def _sync(self, joined: JoinGroupResponse) -> None:
        members = sorted(each.member_id for each in joined.members)
        request = SyncGroupRequest(
            group_id=self.group,
            generation_id=joined.generation_id,
            member_id=self.id,
            protocol_type="simulated",
            protocol_name="even",
            assignments=[
                SyncGroupRequestAssignment(
                    member_id=each,
                    assignment=bytes(range(number, self._partitions, len(members))),
                )
                for number, each in enumerate(members)
            ],
        )
        answer = await self._client.call(request, SyncGroupResponse)
        code = check(f"syncing with {self.group}", answer.error_code, *OUT)
        if code == ErrorCode.UNKNOWN_MEMBER_ID:
            self.id = ""
        if code:
            raise NotNow(f"syncing: {code.name}")
        self.generation = joined.generation_id
        self.share = list(answer.assignment)
        self._beat_at = self._client.now + BEAT_MS
        self._client.note(f"has {self.share} in generation {self.generation} of {self.group}")
        self._facts.owns(self.group, self.generation, self.id, self.share)

    async def _beat(self) -> None:
        self._beat_at = self._client.now + BEAT_MS
        request = HeartbeatRequest(group_id=self.group, generation_id=self.generation, member_id=self.id)
        answer = await self._client.call(request, HeartbeatResponse)
        self.heard(check(f"a heartbeat to {self.group}", answer.error_code, *OUT))

    def heard(self, code: ErrorCode) -> None:
        """An answer that says whether the generation still is. Raises NotNow when not."""
        if code in OUT:
            self.generation = -1
            if code == ErrorCode.UNKNOWN_MEMBER_ID:
                self.id = ""
            raise NotNow(f"the generation is over: {code.name}")


async def committed(client: Client, facts: GroupFacts, group: str, partitions: list[int]) -> dict[int, int]:
    """What the group has committed; -1 for nothing. Raises Unanswered, NotNow while a transaction is open, Violation."""
    floors = {index: facts.floor(group, index) for index in partitions}
    topic = OffsetFetchRequestTopics(name=SOURCE, partition_indexes=partitions)
    request = OffsetFetchRequest(
        groups=[OffsetFetchRequestGroup(group_id=group, topics=[topic])], require_stable=True
    )
    answer = (await client.call(request, OffsetFetchResponse, newest=OFFSETS_VERSION)).groups[0]
    check(f"the offsets of {group}", answer.error_code)
    found: dict[int, int] = {}
    for each in answer.topics[0].partitions:
        check(f"the offset of {group} for {each.partition_index}", each.error_code)
        facts.found(group, each.partition_index, each.committed_offset, floors[each.partition_index])
        found[each.partition_index] = each.committed_offset
    if found.keys() != set(partitions):
        raise Violation(f"{group} was asked for {partitions} and told of {sorted(found)}")
    return found
