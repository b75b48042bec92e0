"""What becomes of records once they are sent: per batch, per record, and the promise of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import msgspec

from ottla.client.cluster import shared
from ottla.client.producing.batches import Batch
from ottla.core.model.ids import NO_OFFSET
from ottla.world.doors import World


class Delivered(msgspec.Struct, frozen=True):
    """What became of a batch. `base_offset` -1: unknown (acks=0, or written by an earlier attempt)."""

    topic: str
    partition: int
    base_offset: int
    count: int
    log_append_time: int
    error: Exception | None


class Receipt(msgspec.Struct, frozen=True):
    """Where one record lies. `offset` -1: unknown, see `Delivered`."""

    topic: str
    partition: int
    offset: int


class Delivery:
    """A record on its way: await it for the `Receipt`. Raises what the delivery failed with."""

    __slots__ = ("_index", "_world", "batch")

    def __init__(self, world: World, batch: Batch, index: int) -> None:
        self._world = world
        self.batch = batch
        self._index = index

    def __await__(self) -> Generator[Any, None, Receipt]:
        return self._receipt().__await__()

    @property
    def is_done(self) -> bool:
        """Whether awaiting it takes no time."""
        return self.batch.done.done()

    async def _receipt(self) -> Receipt:
        outcome: Delivered = await shared(self.batch.done, self._world)
        if outcome.error is not None:
            raise outcome.error
        offset = NO_OFFSET if outcome.base_offset < 0 else outcome.base_offset + self._index
        return Receipt(outcome.topic, outcome.partition, offset)


class Deliveries:
    """Many records on their way: await it for a `Delivered` a batch, in the order the batches were begun.

    Raises what the first batch to fail failed with. A batch may hold records of other calls too.
    """

    __slots__ = ("_world", "batches", "count")

    def __init__(self, world: World, batches: Sequence[Batch], count: int) -> None:
        self._world = world
        self.batches = batches
        self.count = count
        """Records of this call."""

    def __await__(self) -> Generator[Any, None, list[Delivered]]:
        return self._outcomes().__await__()

    @property
    def is_done(self) -> bool:
        """Whether awaiting it takes no time."""
        return all(batch.done.done() for batch in self.batches)

    async def _outcomes(self) -> list[Delivered]:
        outcomes: list[Delivered] = [await shared(batch.done, self._world) for batch in self.batches]
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return outcomes
