"""What a group has given to a consumer, and the moments at which that may change.

A membership lives beside the application, but partitions come and go only while the application waits in `poll`:
then everything it was handed has been worked on, and what is committed for a partition that goes is the whole truth.
`turn` is that moment: it waits for the next `poll`, and `poll` hands out nothing until the turn is over.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Set
from contextlib import asynccontextmanager
from typing import Any

from ottla.client.consuming.fetcher import Fetcher
from ottla.client.consuming.listener import RebalanceListener
from ottla.client.consuming.positions import Position
from ottla.client.offsets import TopicPartition
from ottla.world.doors import Clock


class Holdings:
    """Partitions given by a group. `before_giving_up` commits what there is to commit."""

    def __init__(
        self,
        clock: Clock,
        fetcher: Fetcher,
        before_giving_up: Callable[[], Awaitable[None]],
        patience_ms: int,
    ) -> None:
        self.listener = RebalanceListener()
        self.wanted = False
        """Somebody waits for a turn, or has it."""
        self.handed = 0
        """Grows as the application works on what it was given: a sign of life, without a look at the clock."""
        self._clock = clock
        self._fetcher = fetcher
        self._before_giving_up = before_giving_up
        self._patience_ms = patience_ms
        self._polling = False
        self._polled_at = clock.now()
        self._handed_before = 0
        self._door: Future[Any] | None = None
        self._turning = False

    @property
    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(self._fetcher.positions)

    # -- the application's side

    def enter(self) -> None:
        """The application waits in `poll`."""
        self._polling = True
        self._polled_at = self._clock.now()
        if self._door is not None and not self._door.done():
            self._door.set_result(None)

    def leave(self) -> None:
        self._polling = False
        self._polled_at = self._clock.now()

    @property
    def turning(self) -> bool:
        """Whether partitions are changing hands right now."""
        return self._turning

    def alive(self) -> bool:
        """Whether the application has polled within max.poll.interval.ms, or works through what it was handed."""
        now = self._clock.now()
        if self._polling or self.handed != self._handed_before:
            self._handed_before = self.handed
            self._polled_at = now
        return now - self._polled_at <= self._patience_ms

    # -- the membership's side

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the application polls, and hold it there."""
        self.wanted = True
        try:
            while not self._polling:
                self._door = self._clock.future()
                await self._door
            self._turning = True
            yield
        finally:
            self.wanted = self._turning = False
            self._fetcher.ring()

    async def give(self, partitions: Iterable[TopicPartition]) -> None:
        """These are ours now, from where the group has committed them."""
        given = frozenset(partitions)
        for topic, partition in sorted(given):
            self._fetcher.positions[topic, partition] = Position(topic, partition, wants_committed=True)
        await self.listener.on_assigned(given)

    async def revoke(self, partitions: Set[TopicPartition]) -> None:
        """These have to be given up."""
        gone = frozenset(partitions) & self.partitions
        if gone:
            await self._before_giving_up()
            await self.listener.on_revoked(gone)
            self._drop(gone)

    async def lose(self) -> None:
        """All of it is others' already."""
        gone = self.partitions
        if gone:
            await self.listener.on_lost(gone)
            self._drop(gone)

    def _drop(self, partitions: Set[TopicPartition]) -> None:
        for partition in partitions:
            self._fetcher.positions.pop(partition, None)
