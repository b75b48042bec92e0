"""What becomes of records once they are sent: per batch, per record, and the promise of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from ottla.client.batches import Batch
from ottla.client.cluster import shared
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

    __slots__ = ("_batch", "_index", "_world")

    def __init__(self, world: World, batch: Batch, index: int) -> None:
        self._world = world
        self._batch = batch
        self._index = index

    def __await__(self) -> Generator[Any, None, Receipt]:
        return self._receipt().__await__()

    async def _receipt(self) -> Receipt:
        outcome: Delivered = await shared(self._batch.done, self._world)
        if outcome.error is not None:
            raise outcome.error
        offset = NO_OFFSET if outcome.base_offset < 0 else outcome.base_offset + self._index
        return Receipt(outcome.topic, outcome.partition, offset)
