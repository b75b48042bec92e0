"""A consumer as the owner of a classic membership: subscriptions out, shares in, and the leader's work of sharing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ottla.client.cluster import Cluster
from ottla.client.consuming.holdings import Holdings
from ottla.client.consuming.subscribing import Subscribed
from ottla.client.coordinators import Coordinators
from ottla.client.errors import ClientError
from ottla.client.groups.assignors import COOPERATIVE, STICKY, Assignor
from ottla.client.groups.member import GroupMember
from ottla.client.groups.owner import Generation, JoinedMember, MemberSettings
from ottla.client.groups.subscription import (
    assignment_bytes,
    read_assignment,
    read_subscription,
    subscription_bytes,
)
from ottla.client.offsets import TopicPartition
from ottla.client.settings import ConsumerSettings
from ottla.core.model.errors import KafkaError
from ottla.world.doors import Task

FailedCall: TypeAlias = "Callable[[Exception], None]"


class ClassicMembership:
    """Shares by the assignor that the whole group has in common."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ConsumerSettings,
        holdings: Holdings,
        assignors: Sequence[Assignor],
        subscribed: Subscribed,
        fail: FailedCall,
    ) -> None:
        assert settings.group_id is not None
        self._cluster = cluster
        self._settings = settings
        self._holdings = holdings
        self._assignors = assignors
        self._subscribed = subscribed
        self._fail = fail
        self._cooperative = all(each.protocol == COOPERATIVE for each in assignors)
        self._had: dict[str, frozenset[int]] = {}
        """What we had before the last rebalance took it: sticky assignors give it back."""
        self._generation_id = -1
        self._joined_with: frozenset[str] = frozenset()
        self._shared: dict[str, int] = {}
        """The leader's: topics of the whole group, and the partition counts that were shared."""
        self._member = GroupMember(
            cluster,
            MemberSettings(
                settings.group_id,
                group_instance_id=settings.group_instance_id,
                session_timeout_ms=settings.session_timeout_ms,
                heartbeat_interval_ms=settings.heartbeat_interval_ms,
                rebalance_timeout_ms=settings.max_poll_interval_ms,
            ),
            self,
        )
        self._watch: Task | None = None

    @property
    def generation(self) -> Generation | None:
        return self._member.generation

    @property
    def coordinators(self) -> Coordinators:
        return self._member.coordinators

    def start(self) -> None:
        self._member.start()
        self._watch = self._cluster.world.clock.spawn(self._watch_topics(), name="topics of the group")

    def subscribe(self, subscribed: Subscribed) -> None:
        self._subscribed = subscribed
        self._member.rejoin("the subscription has changed")

    def stop(self) -> None:
        """Take part in no more rebalances."""
        if self._watch is not None:
            self._watch.cancel()
        self._member.stop()

    async def close(self) -> None:
        """Leave the group; what we had is free at once."""
        self.stop()
        await self._member.close()

    async def _watch_topics(self) -> None:
        """Topics that a pattern finds now, partitions that were added: reasons to share anew."""
        while True:
            await self._cluster.world.clock.sleep(self._settings.metadata_max_age_ms)
            try:
                found = await self._subscribed.resolve(self._cluster, create=False)
                if self._member.is_leader and set(self._shared) - found:
                    await self._cluster.refresh(set(self._shared) - found)
            except (ClientError, KafkaError):
                continue  # the next look finds it
            if self._member.generation is None:
                continue
            if found != self._joined_with:
                self._member.rejoin("the topics that match the pattern have changed")
            elif self._member.is_leader and self._counts(self._shared) != self._shared:
                self._member.rejoin("the number of partitions has changed")

    # -- what the member asks of its owner

    def protocols(self) -> list[tuple[str, bytes]]:
        return [(each.name, self._metadata(each)) for each in self._assignors]

    def _metadata(self, assignor: Assignor) -> bytes:
        claims = self._cooperative or assignor.name == STICKY.name
        owned = self._had if claims else {}
        rack = self._settings.client_rack or None
        return subscription_bytes(self._joined_with, owned, self._generation_id if owned else -1, rack)

    async def prepare(self, generation: Generation | None) -> None:
        async with self._holdings.turn():
            if self._member.generation is not generation:
                return  # lost while the application was busy: the member says so next
            self._had = by_topic(self._holdings.partitions)
            if not self._cooperative:
                await self._holdings.revoke(self._holdings.partitions)
        self._joined_with = await self._resolved()

    async def _resolved(self) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            return await self._subscribed.resolve(
                self._cluster, create=self._settings.allow_auto_create_topics
            )

        return await self._cluster.retrying(ask)

    async def lead(self, protocol: str, members: list[JoinedMember]) -> dict[str, bytes]:
        assignor = next(each for each in self._assignors if each.name == protocol)
        told = {each.member_id: read_subscription(each.metadata, each.group_instance_id) for each in members}
        topics = frozenset().union(*(each.topics for each in told.values()))
        await self._cluster.refresh(topics)
        self._shared = self._counts(dict.fromkeys(topics, 0))
        known = {topic: count for topic, count in self._shared.items() if count}
        shares = assignor.assign(told, known)
        return {member: assignment_bytes(shares.get(member, {})) for member in told}

    def _counts(self, topics: dict[str, int]) -> dict[str, int]:
        view = self._cluster.view.topics
        return {name: len(view[name].partitions) if name in view else 0 for name in topics}

    async def assigned(self, generation: Generation, assignment: bytes) -> None:
        share = {(topic, index) for topic, each in read_assignment(assignment).items() for index in each}
        unknown = {topic for topic, _ in share} - set(self._cluster.view.topics)
        if unknown:
            await self._cluster.refresh(unknown)
        async with self._holdings.turn():
            if self._member.generation is not generation:
                return
            self._generation_id = generation.id
            had = self._holdings.partitions
            await self._holdings.revoke(had - share)
            await self._holdings.give(share - had)
            if had - share:
                self._member.rejoin("what we had and no longer have is free")

    async def lost(self) -> None:
        self._had = {}
        self._generation_id = -1
        async with self._holdings.turn():
            await self._holdings.lose()

    def alive(self) -> bool:
        return self._holdings.alive()

    def failed(self, error: Exception) -> None:
        self._fail(error)


def by_topic(partitions: Iterable[TopicPartition]) -> dict[str, frozenset[int]]:
    topics: dict[str, set[int]] = {}
    for topic, partition in partitions:
        topics.setdefault(topic, set()).add(partition)
    return {topic: frozenset(indexes) for topic, indexes in topics.items()}
