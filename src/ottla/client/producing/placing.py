"""From records and columns to batches: the partition, and room in the batch that takes the next one."""

from __future__ import annotations

from collections.abc import Sequence

from ottla.client.cluster import Cluster
from ottla.client.producing.accumulator import Accumulator
from ottla.client.producing.batches import Batch, PartitionQueue
from ottla.client.producing.partitioner import (
    KeyHash,
    OwnPartitioner,
    RoundRobin,
    StickyPartitioner,
    partitioner_named,
)
from ottla.client.settings import ProducerSettings
from ottla.client.view import TopicView
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.record import Header


class Placing:
    """Puts records into the batches of one producer."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ProducerSettings,
        batches: Accumulator,
        partitioner: str | OwnPartitioner,
    ) -> None:
        self._batches = batches
        self._batch_size = settings.batch_size
        self._chance = cluster.world.chance
        self._clock = cluster.world.clock
        self._sticky: dict[str, StickyPartitioner] = {}
        self._last: tuple[TopicView, PartitionQueue] | None = None
        """Where the record before went by stickiness: mostly the next one goes there, too."""
        self._available: dict[str, tuple[TopicView, list[int]]] = {}
        self._hash: KeyHash | None = None
        self._own: OwnPartitioner | None = None
        chosen = partitioner_named(partitioner) if isinstance(partitioner, str) else partitioner
        if isinstance(partitioner, str) and not isinstance(chosen, RoundRobin):
            self._hash = None if settings.partitioner_ignore_keys else chosen  # type: ignore[assignment]
        else:
            self._own = chosen  # type: ignore[assignment]

    def place(
        self,
        view: TopicView,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[Header],
        partition: int | None,
        timestamp: int | None,
        size: int,
    ) -> tuple[Batch, int, bool]:
        """Add one record of at most `size` bytes: its batch, its place in it, and whether that batch was begun or
        filled by it. Raises KafkaError."""
        batch = self._sticky_batch(view, size) if partition is None and key is None else None
        if batch is None:
            if partition is None:
                partition = self._choose(view, key, value, size)
            elif partition not in view.partitions:
                raise no_partition(view, partition)
            batch = self._batches.batch_for(view.name, partition, size)
        builder = batch.builder
        before = builder.size
        index = builder.append(self._clock.wall() if timestamp is None else timestamp, key, value, headers)
        after = builder.size
        self._batches.buffered += after - before
        return batch, index, index == 0 or after >= self._batch_size

    def extend(
        self,
        view: TopicView,
        partition: int | None,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None,
        timestamps: Sequence[int] | None,
        start: int,
    ) -> tuple[Batch, int]:
        """Fill one batch from columns, from row `start` on: the batch, and the row it stopped before."""
        value = values[start]
        size = 25 + len(value or b"") + len((keys[start] if keys else None) or b"")
        if partition is None:
            partition = self._stick(view, size)
        batch = self._batches.batch_for(view.name, partition, size)
        before = batch.builder.size
        limit = max(self._batch_size, before)
        stopped = batch.builder.extend(values, keys, timestamps, self._clock.wall(), start, limit)
        self._batches.buffered += batch.builder.size - before
        return batch, stopped

    def partitions_of(
        self, view: TopicView, values: Sequence[bytes | None], keys: Sequence[bytes | None] | None
    ) -> dict[int | None, list[int]] | None:
        """Rows by partition, in order; None stands for the sticky partition. None for all: no row has its own."""
        if self._own is None and (keys is None or self._hash is None):
            return None
        found: dict[int | None, list[int]] = {}
        count = len(view.partitions)
        for row, value in enumerate(values):
            key = keys[row] if keys is not None else None
            partition: int | None = None
            if self._own is not None:
                partition = self._asked(view, key, value)
            elif key is not None and self._hash is not None:
                partition = self._hash(key, count)
            found.setdefault(partition, []).append(row)
        return found

    def _sticky_batch(self, view: TopicView, size: int) -> Batch | None:
        """The batch that took the last record without a key, if it has room for another of the same topic."""
        if self._last is None or self._last[0] is not view:
            return None
        batches = self._last[1].batches
        if not batches:
            return None
        youngest = batches[-1]
        fits = youngest.encoded is None and youngest.builder.size + size <= self._batch_size
        return youngest if fits else None

    def _choose(self, view: TopicView, key: bytes | None, value: bytes | None, size: int) -> int:
        if self._own is not None:
            return self._asked(view, key, value)
        if key is not None and self._hash is not None:
            return self._hash(key, len(view.partitions))
        return self._stick(view, size)

    def _asked(self, view: TopicView, key: bytes | None, value: bytes | None) -> int:
        assert self._own is not None
        partition = self._own(view, key, value)
        if partition not in view.partitions:
            raise no_partition(view, partition)
        return partition

    def _stick(self, view: TopicView, size: int) -> int:
        """The partition of the moment; another one when its batch has no room."""
        known = self._available.get(view.name)
        if known is None or known[0] is not view:
            known = self._available[view.name] = (view, view.led() or list(view.partitions))
        available = known[1]
        sticky = self._sticky.get(view.name)
        if sticky is None:
            sticky = self._sticky[view.name] = StickyPartitioner(self._chance)
        queue = self._batches.queues.get((view.name, sticky.choose(available)))
        if queue is not None and queue.batches:
            youngest = queue.batches[-1]
            if youngest.encoded is not None or youngest.builder.size + size > self._batch_size:
                sticky.batch_full(available)
        queue = self._batches.queues.get((view.name, sticky.current))
        self._last = None if queue is None else (view, queue)
        return sticky.current


def no_partition(view: TopicView, partition: int) -> KafkaError:
    return KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        f"topic {view.name!r} has {len(view.partitions)} partitions, no partition {partition}",
    )
