"""The producer: records in, batches out, deliveries back.

    async with Producer(cluster) as producer:
        delivery = await producer.send("orders", b"hello", key=b"42")
        print((await delivery).offset)

`send` returns once the record is in a batch; it waits only for room (buffer.memory) and for the topic's first
metadata. The accumulator keeps the batches, the pump sends those that are ready. With idempotence (the default with
acks=all) a batch that is tried again is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from ottla.client.accumulator import Accumulator
from ottla.client.batches import estimate
from ottla.client.cluster import Cluster
from ottla.client.delivery import Delivered, Delivery
from ottla.client.errors import ClientClosed
from ottla.client.partitioner import StickyPartitioner, partition_of_key
from ottla.client.pump import Pump
from ottla.client.settings import ClientSettings
from ottla.client.view import TopicView
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.record import Header

ALL: Final = -1


class Producer:
    """Sends records. `on_delivery` is called once a batch, in the order batches end; it must not raise."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ClientSettings | None = None,
        on_delivery: Callable[[Delivered], None] | None = None,
    ) -> None:
        self.cluster = cluster
        self.settings = settings or cluster.settings
        self._clock = cluster.world.clock
        self._sticky: dict[str, StickyPartitioner] = {}
        self._batches = Accumulator(self._clock, self.settings, on_delivery)
        self._pump = Pump(cluster, self.settings, self._batches, idempotent=self.idempotent)

    @property
    def idempotent(self) -> bool:
        return self.settings.enable_idempotence and self.settings.acks == ALL

    @property
    def on_delivery(self) -> Callable[[Delivered], None] | None:
        return self._batches.on_delivery

    @on_delivery.setter
    def on_delivery(self, call: Callable[[Delivered], None] | None) -> None:
        self._batches.on_delivery = call

    async def __aenter__(self) -> Producer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
        else:
            self.abort(ClientClosed("the producer was given up"))

    # -- what users call

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp: int | None = None,
    ) -> Delivery:
        """Put a record into a batch. `timestamp` in ms (default: now).

        Raises KafkaError for an unknown topic or partition and a record over max.request.size, NoBroker, ClientClosed.
        """
        if self._batches.closed:
            raise ClientClosed("the producer is closed")
        size = estimate(key, value, headers)
        if size > self.settings.max_request_size:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"a record of {size} bytes is larger than max.request.size={self.settings.max_request_size}",
            )
        view = self.cluster.view.topics.get(topic) or await self.cluster.topic(topic, create=True)
        while self._batches.buffered + size > self.settings.buffer_memory and self._batches.buffered:
            await self._batches.until(self._batches.room)
        if partition is None:
            partition = self._choose(view, key, size)
        elif partition not in view.partitions:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"topic {topic!r} has {len(view.partitions)} partitions, no partition {partition}",
            )
        if timestamp is None:
            timestamp = self._clock.wall()
        batch = self._batches.batch_for(topic, partition, size)
        before = batch.builder.size
        index = batch.builder.append(timestamp, key, value, headers)
        self._batches.buffered += batch.builder.size - before
        if batch.builder.size >= self.settings.batch_size or index == 0:
            self._pump.wake()
        return Delivery(self.cluster.world, batch, index)

    async def flush(self) -> None:
        """Wait until everything sent so far has been delivered or has failed."""
        self._batches.flushing += 1
        self._pump.wake()
        try:
            while self._batches.pending:
                await self._batches.until(self._batches.idle)
        finally:
            self._batches.flushing -= 1

    async def close(self) -> None:
        """Flush, then stop."""
        if not self._batches.closed:
            await self.flush()
            self.abort(ClientClosed("the producer is closed"))

    def abort(self, error: Exception) -> None:
        """Stop now: what was not delivered fails with `error`."""
        self._batches.closed = True
        self._pump.stop()
        for queue in list(self._batches.pending.values()):
            while queue.batches:
                self._batches.finish(queue, queue.batches[0], error=error)

    def _choose(self, view: TopicView, key: bytes | None, size: int) -> int:
        """By key, or sticky: moving on when the current partition's batch is full."""
        if key is not None:
            return partition_of_key(key, len(view.partitions))
        available = view.led() or list(view.partitions)
        sticky = self._sticky.get(view.name)
        if sticky is None:
            sticky = self._sticky[view.name] = StickyPartitioner(self.cluster.world.chance)
        chosen = sticky.choose(available)
        queue = self._batches.queues.get((view.name, chosen))
        if (
            queue is not None
            and queue.batches
            and queue.batches[-1].builder.size + size > self.settings.batch_size
        ):
            sticky.batch_full(available)
        return sticky.current
