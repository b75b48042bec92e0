"""How far a consumer has come, and its group's note of it: commits on request, by the clock, and before partitions go."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from ottla.client.cluster import Cluster
from ottla.client.consuming.committing import CommitRefused, Committed, GroupOffsets
from ottla.client.consuming.positions import Position
from ottla.client.consuming.subscribing import NotSubscribed, Subscribed
from ottla.client.coordinators import Coordinators
from ottla.client.errors import ClientError
from ottla.client.groups.owner import Generation
from ottla.client.offsets import TopicPartition
from ottla.client.settings import ConsumerSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_OFFSET
from ottla.world.doors import Task

log = logging.getLogger("ottla.client")


class Membership(Protocol):
    """A consumer's place in its group, whichever protocol the group speaks."""

    @property
    def generation(self) -> Generation | None: ...

    @property
    def coordinators(self) -> Coordinators: ...

    def start(self) -> None: ...

    def subscribe(self, subscribed: Subscribed) -> None: ...

    def stop(self) -> None: ...

    async def close(self) -> None: ...


class Progress:
    """Commits of one consumer. `positions` are its own, alive; `membership` is set while it is in a group."""

    def __init__(
        self, cluster: Cluster, settings: ConsumerSettings, positions: Mapping[TopicPartition, Position]
    ) -> None:
        self.membership: Membership | None = None
        self._settings = settings
        self._clock = cluster.world.clock
        self._positions = positions
        self._alone = Coordinators(cluster)
        self._stored: dict[TopicPartition, int] = {}
        """What the group has, as far as we know: nothing of it need be stored again."""
        self._next_at = self._clock.now() + settings.auto_commit_interval_ms
        self._under_way: Task | None = None

    def close(self) -> None:
        if self._under_way is not None:
            self._under_way.cancel()

    @property
    def generation(self) -> Generation | None:
        return None if self.membership is None else self.membership.generation

    @property
    def _outside(self) -> bool:
        """Whether there is a group to be a member of, and we are none."""
        return self.membership is not None and self.membership.generation is None

    @property
    def _automatic(self) -> bool:
        settings = self._settings
        return settings.enable_auto_commit and settings.group_id is not None and not self._outside

    async def commit(self, offsets: Mapping[TopicPartition, int | Committed] | None) -> None:
        """Store everything handed out, or these. Raises CommitRefused, NotSubscribed, KafkaError, ClientError."""
        group = self._group()
        if self._outside:
            raise CommitRefused(
                ErrorCode.UNKNOWN_MEMBER_ID,
                f"not a member of group {self._settings.group_id!r} at the moment: its partitions may be others' by now",
            )
        given = self._handed_out() if offsets is None else offsets
        stored = {
            key: each if isinstance(each, Committed) else Committed(each) for key, each in given.items()
        }
        await group.commit(stored, self.generation)
        self._stored.update((key, each.offset) for key, each in stored.items())

    async def fetch(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        """What is stored; what is not, is left out. Raises NotSubscribed, KafkaError, ClientError."""
        stable = self._settings.isolation_level == "read_committed"
        found = await self._group().fetch(partitions, stable=stable)
        self._stored.update((key, each.offset) for key, each in found.items())
        return found

    async def places(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """As `fetch`, for whoever places positions; nothing without a group."""
        if self._settings.group_id is None:
            return {}
        found = await self.fetch(partitions)
        return {key: (each.offset, each.leader_epoch) for key, each in found.items()}

    def by_the_clock(self) -> None:
        """Commit beside the work, when it is time and the last one is through."""
        now = self._clock.now()
        if now < self._next_at or self._under_way is not None or not self._automatic:
            return
        self._next_at = now + self._settings.auto_commit_interval_ms
        news = self._news()
        if news:
            self._under_way = self._clock.spawn(self._commit_aside(news), name="auto-commit")

    async def before_giving_up(self) -> None:
        """The last commit of partitions that are about to go."""
        if self._automatic:
            news = self._news()
            if news:
                await self._commit_aside(news)

    async def _commit_aside(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        try:
            await self.commit(offsets)
        except (ClientError, KafkaError) as error:
            log.warning("auto-commit of group=%s failed: %s", self._settings.group_id, error)
        finally:
            self._under_way = None

    def _group(self) -> GroupOffsets:
        settings = self._settings
        if settings.group_id is None:
            raise NotSubscribed("committed offsets belong to a group: set group_id")
        coordinators = self._alone if self.membership is None else self.membership.coordinators
        return GroupOffsets(coordinators, settings.group_id, settings.group_instance_id)

    def _handed_out(self) -> dict[TopicPartition, Committed]:
        return {
            key: Committed(position.offset, position.epoch)
            for key, position in self._positions.items()
            if position.offset != NO_OFFSET
        }

    def _news(self) -> dict[TopicPartition, Committed]:
        stored = self._stored
        return {key: each for key, each in self._handed_out().items() if stored.get(key) != each.offset}
