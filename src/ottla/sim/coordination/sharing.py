"""A member of a share group: beats, fetches, says what became of the records; or says nothing until its locks end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar
from uuid import UUID

from ottla.client.connection import BrokerConnection
from ottla.client.fetched import visible_batches
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID
from ottla.core.partition.sharing.values import AcknowledgeType
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import share_acknowledge, share_fetch
from ottla.core.wire.messages.share_acknowledge import ShareAcknowledgeRequest, ShareAcknowledgeResponse
from ottla.core.wire.messages.share_fetch import ShareFetchRequest, ShareFetchResponse
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from ottla.sim.coordination.asking import GROUP_KEY, SHARERS, SOURCE, NotNow, check, find
from ottla.sim.coordination.facts import Place
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.coordination.share_facts import Hold, ShareFacts, ShareSession
from ottla.sim.coordination.share_words import Spoken, Words, stretches
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client, Unanswered

R = TypeVar("R", bound=Body)

BEAT_MS: Final = 1_000
LEAVES: Final = -1
CLOSES: Final = -1
OUT: Final = (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.GROUP_ID_NOT_FOUND)
"""The member is not in the group, or no more."""
WORDS: Final = {
    AcknowledgeType.ACCEPT: 12,
    AcknowledgeType.RELEASE: 3,
    AcknowledgeType.REJECT: 2,
}
TURNS: Final = 6
"""At most, in one step."""
PATIENCE: Final = 5
PAUSE_MS: Final = 200
"""So often, so long, it waits in one step until it has something to share."""
SILENT: Final = 0.1
"""So many of the records that are fetched are never spoken of."""


class Sharer:
    """One client. Its session ends with the connection; its id stays until it vanishes."""

    def __init__(self, client: Client, facts: ShareFacts, plan: GroupPlan) -> None:
        self._client = client
        self._facts = facts
        self._plan = plan
        self._held: dict[Place, Hold] = {}
        """What it may still speak of."""
        self._hears_all = False
        """An answer that told the assignment may have been lost: ask for it."""
        self._assigned: list[int] = []
        self._named: set[int] = set()
        """The partitions in its session."""
        self._epoch = 0
        self._topic_id = ZERO_UUID
        self._session: ShareSession | None = None
        self._connection: BrokerConnection | None = None
        self._be_new()

    def _be_new(self) -> None:
        """Somebody else, who knows nothing. The session of before ends with its connection, if that ends."""
        self._id = str(UUID(bytes=self._client.chance.bytes(16)))
        self._member_epoch = 0
        self._beat_at = 0
        self._end_session()
        self._held.clear()
        self._assigned.clear()

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.end()
            self._session = None

    async def step(self) -> None:
        """Some turns of its work: so much as others do in one step."""
        chance = self._client.chance
        if chance.often(self._plan.dies):
            await self._go()
        await self._be_there()
        for _ in range(1 + chance.below(TURNS)):
            await self._turn()
            await self._client.world.clock.sleep(chance.below(self._plan.thinking_ms))

    async def _be_there(self) -> None:
        """In the group, with something to share."""
        for _ in range(PATIENCE):
            if self._client.now >= self._beat_at or not self._assigned:
                await self._beat()
            if self._assigned:
                return
            await self._client.world.clock.sleep(PAUSE_MS)
        raise NotNow("others have everything")

    async def _turn(self) -> None:
        chance = self._client.chance
        connection = await self._client.connection()
        if connection is not self._connection:
            self._end_session()
        self._connection = connection
        if self._session is None:
            await self._fetch({}, opens=True)
        elif self._held and self._plan.at_peace:
            await self._acknowledge(dict.fromkeys(self._take(1.0), AcknowledgeType.ACCEPT))
        elif self._held and chance.often(0.5):
            await self._speak()
        else:
            await self._fetch(self._words() if chance.often(0.5) else {})

    async def _speak(self) -> None:
        chance = self._client.chance
        if chance.often(0.1):
            await self._acknowledge(dict.fromkeys(self._held.values(), AcknowledgeType.RENEW), renews=True)
        else:
            await self._acknowledge(self._words(), closes=chance.often(0.05))

    # -- the group

    async def _go(self) -> None:
        """Leave, or die: the node hears of the connection's end, or of nothing."""
        chance = self._client.chance
        if chance.often(0.3) and self._member_epoch > 0:
            self._client.note(f"{self._id} leaves the share group")
            gone = self._id
            request = ShareGroupHeartbeatRequest(group_id=SHARERS, member_id=gone, member_epoch=LEAVES)
            self._be_new()
            answer = await self._client.call(request, ShareGroupHeartbeatResponse)
            check(f"leaving of {gone}", answer.error_code, *OUT)
            return
        self._client.note(f"{self._id} vanishes")
        if chance.often(0.5):
            self._client.hang_up()
        if chance.often(0.5):
            self._be_new()
        elif chance.often(0.5):
            self._end_session()  # come back as the same, with another session

    async def _beat(self) -> None:
        self._beat_at = self._client.now + BEAT_MS
        request = ShareGroupHeartbeatRequest(
            group_id=SHARERS,
            member_id=self._id,
            member_epoch=self._member_epoch,
            subscribed_topic_names=[SOURCE] if self._member_epoch == 0 or self._hears_all else None,
        )
        self._hears_all = True
        answer = await self._client.call(request, ShareGroupHeartbeatResponse)
        if answer.error_code in (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE):
            self._beat_at = 0
            await find(self._client, GROUP_KEY, SHARERS)
        code = check(f"a heartbeat to {SHARERS}", answer.error_code, *OUT)
        if code:
            self._member_epoch = self._beat_at = 0
            raise NotNow(f"{self._id} is out: {code.name}")
        self._member_epoch = answer.member_epoch
        self._hears_all = False
        if answer.assignment is None:
            return
        self._assigned = []
        for topic in answer.assignment.topic_partitions:
            self._topic_id = topic.topic_id
            self._assigned = sorted(topic.partitions)
        self._client.note(f"{self._id} shares {self._assigned}")

    # -- records

    async def _fetch(self, words: Words, *, opens: bool = False) -> None:
        chance, facts = self._client.chance, self._facts
        if opens:
            self._session = ShareSession(self._id)
            self._epoch = 0
            self._named.clear()
        said = stretches(words)
        named = sorted({*said, *(each for each in self._assigned if each not in self._named)})
        forgotten = sorted(self._named.difference(self._assigned, named))
        self._named = self._named.union(named).difference(forgotten)
        request = ShareFetchRequest(
            group_id=SHARERS,
            member_id=self._id,
            share_session_epoch=self._epoch,
            max_wait_ms=chance.one((0, 100, 500)),
            min_bytes=1,
            max_bytes=chance.one((500, 1 << 20)),
            max_records=chance.one((1, 5, 500)),
            batch_size=chance.one((1, 500)),
            share_acquire_mode=chance.one((0, 1)),
            topics=self._topics_to_fetch(named, words),
        )
        if forgotten:
            request.forgotten_topics_data = [
                share_fetch.ForgottenTopic(topic_id=self._topic_id, partitions=forgotten)
            ]
        asked, spoken = self._client.now, Spoken(facts, words, self._client.now)
        try:
            answer = await self._ask(request, ShareFetchResponse, spoken, asked)
        except (Unanswered, NotNow):
            facts.unheard(sorted(self._named))
            raise
        self._epoch += 1
        told = [each for topic in answer.responses for each in topic.partitions]
        codes = {each.partition_index: each.acknowledge_error_code for each in told}
        try:
            spoken.heard(codes, self._client.now)
        finally:
            for each in told:
                self._receive(each, asked)
        for each in told:
            check(f"sharing partition {each.partition_index}", each.error_code)

    def _topics_to_fetch(self, named: list[int], words: Words) -> list[share_fetch.FetchTopic]:
        said = stretches(words)
        partitions = [
            share_fetch.FetchPartition(
                partition_index=index,
                acknowledgement_batches=[
                    share_fetch.AcknowledgementBatch(*each) for each in said.get(index, ())
                ],
            )
            for index in named
        ]
        return [share_fetch.FetchTopic(topic_id=self._topic_id, partitions=partitions)] if named else []

    def _receive(self, data: share_fetch.PartitionData, asked: int) -> None:
        """The records of one partition."""
        assert self._session is not None
        partition = data.partition_index
        raw = memoryview(bytes(data.records or b""))  # type: ignore[arg-type]
        batches, _ = visible_batches(raw, 0, None, check_crcs=True)
        there = {record.offset for batch in batches for record in batch.records()}
        for each in data.acquired_records:
            self._client.note(
                f"{self._id} has {partition}: {each.first_offset}-{each.last_offset}, time {each.delivery_count}"
            )
            for offset in range(each.first_offset, each.last_offset + 1):
                if offset not in there:
                    raise Violation(f"record {offset} of {SOURCE}-{partition} was acquired and not sent")
                hold = self._facts.delivered(
                    self._session, (partition, offset), each.delivery_count, asked, self._client.now
                )
                self._held.pop(hold.place, None)
                if self._plan.at_peace or not self._client.chance.often(SILENT):
                    self._held[hold.place] = hold

    # -- words

    def _take(self, share: float) -> list[Hold]:
        """Some of what it holds, to be spoken of once."""
        taken = [hold for hold in self._held.values() if self._client.chance.often(share)]
        for hold in taken:
            del self._held[hold.place]
        return taken

    def _words(self) -> Words:
        chance = self._client.chance
        return {hold: chance.weighted(WORDS) for hold in self._take(chance.one((0.3, 0.7, 1.0)))}

    async def _acknowledge(self, words: Words, *, renews: bool = False, closes: bool = False) -> None:
        partitions = [
            share_acknowledge.AcknowledgePartition(
                partition_index=index,
                acknowledgement_batches=[share_acknowledge.AcknowledgementBatch(*each) for each in said],
            )
            for index, said in stretches(words).items()
        ]
        request = ShareAcknowledgeRequest(
            group_id=SHARERS,
            member_id=self._id,
            share_session_epoch=CLOSES if closes else self._epoch,
            is_renew_ack=renews,
            topics=[share_acknowledge.AcknowledgeTopic(topic_id=self._topic_id, partitions=partitions)],
        )
        asked, spoken = self._client.now, Spoken(self._facts, words, self._client.now)
        answer = await self._ask(request, ShareAcknowledgeResponse, spoken, asked, closes=closes)
        self._epoch += 1
        codes: Mapping[int, int] = {
            each.partition_index: each.error_code for topic in answer.responses for each in topic.partitions
        }
        self._client.note(f"{self._id} hears {dict(codes)} of what it said")
        spoken.heard(codes, self._client.now)

    async def _ask(
        self, request: Body, response: type[R], spoken: Spoken, asked: int, *, closes: bool = False
    ) -> R:
        """In the session. Raises Unanswered, NotNow, Violation; then the session is given up."""
        assert self._connection is not None and self._session is not None
        if spoken.text:
            self._client.note(f"{self._id} says {spoken.text}")
        session = self._session
        if closes:
            self._held.clear()
        try:
            answer = await self._client.call_on(self._connection, request, response)
            check(f"{type(request).__name__} of {self._id}", answer.error_code)  # type: ignore[attr-defined]
        except Exception:
            self._end_session()
            spoken.unheard()
            raise
        self._facts.answered(session, asked)
        if closes:
            self._end_session()
        return answer
