"""Records on their way: the batches of every partition, and the memory they take.

`send` puts records in, the pump takes batches from the heads of the queues, and `finish` is each batch's end.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Any

from ottla.client.errors import ClientClosed, ClientTimeout
from ottla.client.producing.batches import Batch, PartitionQueue
from ottla.client.producing.delivery import Delivered
from ottla.client.settings import ProducerSettings
from ottla.core.model.ids import NO_OFFSET, NO_TIMESTAMP
from ottla.core.records.compression import Codec
from ottla.world.doors import Clock


class Accumulator:
    """The queues of one producer."""

    def __init__(self, clock: Clock, settings: ProducerSettings) -> None:
        self.settings = settings
        self._batch_size = settings.batch_size
        self.listeners: list[Callable[[Delivered], None]] = []
        """Called with the end of every batch, in this order."""
        self.queues: dict[tuple[str, int], PartitionQueue] = {}
        self.pending: dict[tuple[str, int], PartitionQueue] = {}
        """Queues with batches in them, in flight or not."""
        self.buffered = 0
        """Bytes in batches, bounded by buffer.memory."""
        self.room: list[Future[Any]] = []
        self.idle: list[Future[Any]] = []
        self.flushing = 0
        """How many wait for everything to be delivered."""
        self.closed = False
        self._clock = clock
        self._codec = Codec.named(settings.compression_type)
        self._level = settings.compression_level

    def batch_for(self, topic: str, partition: int, size: int) -> Batch:
        """The batch that takes the next record of a partition: the youngest with room, or a new one."""
        key = (topic, partition)
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = PartitionQueue(topic, partition)
        if queue.batches:
            youngest = queue.batches[-1]
            if youngest.encoded is None and youngest.builder.size + size <= self._batch_size:
                return youngest
        batch = Batch(topic, partition, self._codec, self._level, self._clock.now(), self._clock.future())
        queue.batches.append(batch)
        self.pending[key] = queue
        self.buffered += batch.builder.size
        return batch

    def finish(
        self,
        queue: PartitionQueue,
        batch: Batch,
        *,
        offset: int = NO_OFFSET,
        appended: int = NO_TIMESTAMP,
        error: Exception | None = None,
    ) -> None:
        """A batch has reached its end: tell whoever waits, make room."""
        queue.batches.remove(batch)
        if not queue.batches:
            self.pending.pop((queue.topic, queue.partition), None)
        self.buffered -= batch.builder.size
        outcome = Delivered(batch.topic, batch.partition, offset, batch.count, appended, error)
        if not batch.done.done():
            batch.done.set_result(outcome)
        for listener in self.listeners:
            listener(outcome)
        release(self.room)
        if not self.pending:
            release(self.idle)

    def drop_waiting(self, error: Exception) -> bool:
        """End every batch that is not under way. True when one of them had been sent before."""
        had_been_sent = False
        for queue in list(self.pending.values()):
            for batch in [each for each in queue.batches if not each.is_flying]:
                had_been_sent = had_been_sent or batch.encoded is not None
                self.finish(queue, batch, error=error)
        return had_been_sent

    async def until(self, waiters: list[Future[Any]], deadline: int | None = None) -> None:
        """Wait to be woken. Raises ClientTimeout at `deadline`, ClientClosed."""
        if self.closed:
            raise ClientClosed("the producer is closed")
        future = self._clock.future()
        waiters.append(future)
        if deadline is None:
            await future
            return

        def late() -> None:
            if not future.done():
                future.set_exception(
                    ClientTimeout(
                        f"no room in buffer.memory={self.settings.buffer_memory} within max.block.ms"
                    )
                )

        timer = self._clock.call_at(deadline, late)
        try:
            await future
        finally:
            timer.cancel()
            if future in waiters:
                waiters.remove(future)


def release(waiters: list[Future[Any]]) -> None:
    """Wake all who wait; they look for themselves whether it was for them."""
    for future in waiters:
        if not future.done():
            future.set_result(None)
    waiters.clear()
