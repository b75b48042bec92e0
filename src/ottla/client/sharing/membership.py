"""A share consumer as the owner of its membership: which partitions the group's coordinator wants it to read."""

from __future__ import annotations

from collections.abc import Callable

from ottla.client.cluster import Cluster
from ottla.client.groups.heartbeat_member import Target
from ottla.client.groups.owner import MemberSettings
from ottla.client.groups.share_member import ShareMember
from ottla.client.settings import ShareConsumerSettings
from ottla.client.sharing.acknowledging import Share


class ShareMembership:
    """`partitions` is the assignment as it is now, with the name of each partition's topic."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ShareConsumerSettings,
        group_id: str,
        changed: Callable[[], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self.topics: tuple[str, ...] = ()
        self.partitions: dict[Share, str] = {}
        self._cluster = cluster
        self._clock = cluster.world.clock
        self._patience_ms = settings.max_poll_interval_ms
        self._changed = changed
        self._fail = fail
        self._target: Target = {}
        self._polled = self._clock.now()
        self._started = False
        self._member = ShareMember(cluster, MemberSettings(group_id), self, rack=settings.client_rack or None)

    @property
    def member_id(self) -> str:
        return self._member.member_id

    def subscribe(self, topics: tuple[str, ...]) -> None:
        self.topics = topics
        if self._started:
            self._member.changed()
        else:
            self._started = True
            self._member.start()

    def polled(self) -> None:
        """The application is alive."""
        self._polled = self._clock.now()

    async def close(self) -> None:
        if self._started:
            await self._member.close()

    # -- what the member asks of its owner

    def subscription(self) -> tuple[list[str] | None, str | None]:
        return sorted(self.topics), None

    def owned(self) -> Target:
        return self._target

    async def reconcile(self, target: Target) -> None:
        names = self._cluster.view.names
        if not set(target) <= set(names):
            await self._cluster.refresh(None)
            names = self._cluster.view.names
        self._target = {topic_id: indexes for topic_id, indexes in target.items() if topic_id in names}
        self.partitions = {
            (topic_id, index): names[topic_id]
            for topic_id, indexes in self._target.items()
            for index in indexes
        }
        self._changed()
        if self._target != target:
            # A broker that lags behind does not know a topic yet: the next heartbeat finds the share unlike the target.
            await self._clock.sleep(self._cluster.settings.retry_backoff_max_ms)

    async def lost(self) -> None:
        self._target = {}
        self.partitions = {}
        self._changed()

    def alive(self) -> bool:
        return self._clock.now() - self._polled < self._patience_ms

    def failed(self, error: Exception) -> None:
        self._fail(error)
