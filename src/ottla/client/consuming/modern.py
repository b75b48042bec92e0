"""A consumer as the owner of a membership of the new protocol (KIP-848): the coordinator shares, the consumer follows."""

from __future__ import annotations

from collections.abc import Callable

from ottla.client.cluster import Cluster
from ottla.client.consuming.holdings import Holdings
from ottla.client.consuming.subscribing import Subscribed
from ottla.client.coordinators import Coordinators
from ottla.client.groups.heartbeat_member import HeartbeatMember, Target
from ottla.client.groups.owner import Generation, MemberSettings
from ottla.client.settings import ConsumerSettings
from ottla.core.model.ids import ZERO_UUID, Uuid


class ModernMembership:
    """Shares as the group's coordinator has worked them out."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ConsumerSettings,
        holdings: Holdings,
        subscribed: Subscribed,
        fail: Callable[[Exception], None],
    ) -> None:
        assert settings.group_id is not None
        self._cluster = cluster
        self._holdings = holdings
        self._subscribed = subscribed
        self._fail = fail
        self._ids: dict[str, Uuid] = {}
        """Ids of the topics we have, for as long as we have them: metadata may forget a topic that is deleted."""
        self._member = HeartbeatMember(
            cluster,
            MemberSettings(
                settings.group_id,
                group_instance_id=settings.group_instance_id,
                session_timeout_ms=settings.session_timeout_ms,
                rebalance_timeout_ms=settings.max_poll_interval_ms,
            ),
            self,
            rack=settings.client_rack or None,
            server_assignor=settings.group_remote_assignor,
        )

    @property
    def generation(self) -> Generation | None:
        return self._member.generation

    @property
    def coordinators(self) -> Coordinators:
        return self._member.coordinators

    def start(self) -> None:
        self._member.start()

    def subscribe(self, subscribed: Subscribed) -> None:
        self._subscribed = subscribed
        self._member.changed()

    def stop(self) -> None:
        """Follow no more changes."""
        self._member.stop()

    async def close(self) -> None:
        await self._member.close()

    # -- what the member asks of its owner

    def subscription(self) -> tuple[list[str] | None, str | None]:
        if self._subscribed.pattern is not None:
            return None, self._subscribed.pattern
        return sorted(self._subscribed.names), None

    def owned(self) -> Target:
        share: dict[Uuid, set[int]] = {}
        for topic, partition in self._holdings.partitions:
            share.setdefault(self._ids.get(topic, ZERO_UUID), set()).add(partition)
        return {topic_id: frozenset(indexes) for topic_id, indexes in share.items()}

    async def reconcile(self, target: Target) -> None:
        names = self._cluster.view.names
        if not set(target) <= set(names):
            await self._cluster.refresh(None)
            names = self._cluster.view.names
        wanted = {
            (names[topic_id], index)
            for topic_id, indexes in target.items()
            if topic_id in names
            for index in indexes
        }
        async with self._holdings.turn():
            await self._holdings.revoke(self._holdings.partitions - wanted)
            new = wanted - self._holdings.partitions
            self._ids.update((names[topic_id], topic_id) for topic_id in target if topic_id in names)
            if new:
                await self._holdings.give(new)

    async def lost(self) -> None:
        async with self._holdings.turn():
            await self._holdings.lose()

    def alive(self) -> bool:
        return self._holdings.alive()

    def failed(self, error: Exception) -> None:
        self._fail(error)
