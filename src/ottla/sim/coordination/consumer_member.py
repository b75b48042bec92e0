"""A member of a consumer group (KIP-848): joins, beats, gives up what it is told to, sooner or later, and goes.

As Kafka's consumer does it says only what has changed, and everything after an answer that did not come.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.consumer_group_heartbeat import (
    Assignment,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsRequest,
)
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from ottla.sim.coordination.asking import CONSUMERS, GROUP_KEY, SINK, SOURCE, NotNow, check, find
from ottla.sim.coordination.consumer_facts import ConsumerFacts, Membership, Spot
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client, Unanswered

LEAVES: Final = -1
LEAVES_FOR_A_WHILE: Final = -2
SHUT_OUT: Final = (
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.FENCED_MEMBER_EPOCH,
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.GROUP_ID_NOT_FOUND,
)
"""The member is not in the group, or not in this epoch."""
NEVER: Final = 1_000
"""No group comes to so many epochs, no topic has so many partitions."""


class Subscription(NamedTuple):
    """Topics by name, and those that a regular expression matches."""

    names: tuple[str, ...]
    pattern: str = ""

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(self.names) | PATTERNS[self.pattern]


PATTERNS: Final = {
    "": frozenset[str](),
    "so.*": frozenset({SOURCE}),
    "s(i|o).*": frozenset({SOURCE, SINK}),
}
"""Regular expression → the topics that it matches."""
SUBSCRIPTIONS: Final = (
    Subscription((SOURCE,)),
    Subscription((SOURCE,)),
    Subscription((SOURCE, SINK)),
    Subscription((SINK,)),
    Subscription((), "so.*"),
    Subscription((), "s(i|o).*"),
    Subscription((SINK,), "so.*"),
)


class ConsumerMember:
    """One client's life in the group. It comes back under another id; an instance id stays its own."""

    def __init__(self, client: Client, facts: ConsumerFacts, plan: GroupPlan) -> None:
        self.instance_id = f"instance-of-{client.name}" if client.chance.often(plan.static) else None
        self.topic_ids: dict[str, Uuid] = {}
        self.subscription = client.chance.one(SUBSCRIPTIONS)
        self._client = client
        self._facts = facts
        self._plan = plan
        self._assignor = client.chance.one((None, "uniform", "range"))
        self._beat_at = 0
        self._says_all = True
        self._said: tuple[Spot, ...] = ()
        """What it said last that it has."""
        self._subscribed: Subscription | None = None
        """What it said last that it reads."""
        self.membership = self._new()

    def _new(self) -> Membership:
        return Membership(str(UUID(bytes=self._client.chance.bytes(16))))

    @property
    def id(self) -> str:
        return self.membership.member

    @property
    def shares(self) -> list[int]:
        """The partitions of the source that it owns."""
        return sorted(index for topic, index in self.membership.owned if topic == SOURCE)

    # -- beating

    async def present(self) -> None:
        """Be in the group, and say what is to be said. Raises Unanswered, NotNow, Violation."""
        if not self.topic_ids:
            await self._learn()
        membership = self.membership
        if self._plan.at_peace and SOURCE not in self.subscription.topics:
            self.subscription = SUBSCRIPTIONS[0]
        gives_up = bool(membership.revoking) and (self._plan.at_peace or self._client.chance.often(0.6))
        if (
            not membership.epochs
            or gives_up
            or self._subscribed != self.subscription
            or self._client.now >= self._beat_at
        ):
            await self._beat(gives_up=gives_up)

    async def _beat(self, *, gives_up: bool) -> None:
        membership, client = self.membership, self._client
        connection = await client.connection()  # what could not even be sent cannot arrive late
        request, has = self._request(gives_up=gives_up)
        asked = client.now
        self._beat_at = asked + self._plan.beat_ms
        self._facts.asks(membership, asked, has)
        said = "" if has is None else f" and has {sorted(has)}"
        client.note(f"{membership.member} beats in epoch {request.member_epoch}{said}")
        try:
            answer = await client.call_on(connection, request, ConsumerGroupHeartbeatResponse)
            if client.chance.often(self._plan.misses):
                self._facts.reached["answers missed"] += 1
                raise NotNow(f"{membership.member} does not hear the answer")
            code = check(
                f"a heartbeat to {CONSUMERS}", answer.error_code, *SHUT_OUT, ErrorCode.UNRELEASED_INSTANCE_ID
            )
        except (Unanswered, NotNow) as error:
            self._facts.unheard(membership, request.member_epoch, late=isinstance(error, Unanswered))
            self._says_all = True
            if isinstance(error, NotNow):
                self._beat_at = 0
                await find(client, GROUP_KEY, CONSUMERS)
            raise
        if code:
            self._refused(code)
        self._says_all = False
        self._said = tuple(membership.owned) if has is None else tuple(has)
        self._subscribed = self.subscription
        assigned = None if answer.assignment is None else self._spots(answer.assignment)
        self._facts.answered(membership, asked, client.now, answer.member_epoch, assigned)
        told = "" if assigned is None else f", is to have {sorted(assigned)}"
        client.note(f"{membership.member} is in epoch {membership.epoch}{told}")

    def _request(self, *, gives_up: bool) -> tuple[ConsumerGroupHeartbeatRequest, list[Spot] | None]:
        """What it says, and what it says that it has."""
        membership = self.membership
        joins = not membership.epochs
        everything = joins or self._says_all
        has: list[Spot] | None = None
        if joins:
            has = []
        elif gives_up:
            has = [each for each in membership.owned if each not in membership.revoking]
        elif everything or tuple(membership.owned) != self._said:
            has = list(membership.owned)
        subscribes = everything or self._subscribed != self.subscription
        request = ConsumerGroupHeartbeatRequest(
            group_id=CONSUMERS,
            member_id=membership.member,
            member_epoch=membership.epoch,
            instance_id=self.instance_id,
            rebalance_timeout_ms=self._plan.rebalance_ms if everything else -1,
            subscribed_topic_names=list(self.subscription.names) if subscribes else None,
            subscribed_topic_regex=self.subscription.pattern if subscribes else None,
            server_assignor=self._assignor if everything else None,
            topic_partitions=None if has is None else self._partitions(has),
        )
        return request, has

    def _partitions(self, spots: list[Spot]) -> list[TopicPartitionsRequest]:
        found: dict[str, list[int]] = {}
        for topic, index in sorted(spots):
            found.setdefault(topic, []).append(index)
        return [
            TopicPartitionsRequest(topic_id=self.topic_ids[topic], partitions=partitions)
            for topic, partitions in found.items()
        ]

    def _spots(self, assignment: Assignment) -> list[Spot]:
        names = {topic_id: name for name, topic_id in self.topic_ids.items()}
        found: list[Spot] = []
        for each in assignment.topic_partitions:
            name = names.get(each.topic_id)
            if name is None:
                raise Violation(
                    f"member {self.id} is to have topic {each.topic_id!r}, which it never asked for"
                )
            found += [(name, index) for index in each.partitions]
        return found

    async def _learn(self) -> None:
        """The ids of the topics."""
        wanted = [MetadataRequestTopic(name=name) for name in (SOURCE, SINK)]
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
        answer = await self._client.call(request, MetadataResponse)
        for each in answer.topics:
            check(f"metadata of {each.name}", each.error_code)
        self.topic_ids = {each.name or "": each.topic_id for each in answer.topics}

    # -- being refused

    def _refused(self, code: ErrorCode) -> None:
        """Raises NotNow, Violation."""
        if code == ErrorCode.UNRELEASED_INSTANCE_ID:
            self._facts.reached["instance ids not released"] += 1
            raise NotNow(f"{self.instance_id} is not free yet")
        self.shut_out(code)

    def shut_out(self, code: ErrorCode) -> None:
        """Begin again, as the same or as another. Raises NotNow, Violation."""
        membership = self.membership
        self._facts.shut_out(membership, code, self._client.now)
        self._begin_again(same=self._client.chance.often(0.5))
        raise NotNow(f"{membership.member} is out: {code.name}")

    def _begin_again(self, *, same: bool) -> None:
        self._facts.ends(self.membership)
        member = self.membership.member
        self.membership = Membership(member) if same else self._new()
        self._says_all = True
        self._beat_at = 0

    # -- changing

    def subscribe(self) -> None:
        """To something else, as the next heartbeat will say."""
        self.subscription = self._client.chance.one(SUBSCRIPTIONS)

    def vanish(self, *, same: bool = False) -> None:
        """Without a word; come back as another, or as the same that has lost its memory."""
        self._client.note(f"{self.id} vanishes")
        self._begin_again(same=same)

    async def leave(self) -> None:
        """Raises Unanswered, NotNow, Violation."""
        for_a_while = self.instance_id is not None and self._client.chance.often(0.7)
        gone = self.id
        request = ConsumerGroupHeartbeatRequest(
            group_id=CONSUMERS,
            member_id=gone,
            member_epoch=LEAVES_FOR_A_WHILE if for_a_while else LEAVES,
            instance_id=self.instance_id,
        )
        self._client.note(f"{gone} leaves{' for a while' if for_a_while else ''}")
        self._begin_again(same=False)
        answer = await self._client.call(request, ConsumerGroupHeartbeatResponse)
        if not check(f"leaving of {gone}", answer.error_code, *SHUT_OUT):
            self._facts.reached["static members away" if for_a_while else "members left"] += 1

    async def haunt(self) -> None:
        """A heartbeat that must not count: of an epoch that has passed, or of none that ever was, or that claims too much."""
        membership, chance = self.membership, self._client.chance
        ways: list[tuple[int, list[Spot] | None]] = [(membership.epoch + NEVER, None)]
        ways += [(epoch, None) for epoch in membership.epochs[:-2]]
        ways += [(epoch, [(SOURCE, NEVER)]) for epoch in membership.epochs[-2:-1]] * 2
        epoch, has = chance.one(ways)
        request = ConsumerGroupHeartbeatRequest(
            group_id=CONSUMERS,
            member_id=membership.member,
            member_epoch=epoch,
            instance_id=self.instance_id,
            topic_partitions=None if has is None else self._partitions(has),
        )
        answer = await self._client.call(request, ConsumerGroupHeartbeatResponse)
        if not check(f"a heartbeat to {CONSUMERS}", answer.error_code, *SHUT_OUT):
            raise Violation(
                f"a heartbeat of {membership.member} with epoch {epoch} and {has} was taken; it is in {membership.epoch}"
            )
        self._facts.reached["late heartbeats refused"] += 1
