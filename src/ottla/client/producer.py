"""The producer: records in, batches out, deliveries back.

    async with Producer(cluster) as producer:
        delivery = await producer.send("orders", b"hello", key=b"42")
        print((await delivery).offset)

`send` returns once the record is in a batch; it waits only for room (buffer.memory) and for the topic's first
metadata. One task, the pump, sends what is ready: a full batch, one older than linger.ms, or everything while
somebody flushes. With idempotence (the default with acks=all) a batch that is tried again is written once.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final

from ottla.client.batches import Batch, PartitionQueue, estimate
from ottla.client.cluster import Cluster
from ottla.client.delivery import Delivered, Delivery
from ottla.client.errors import ClientClosed, ClientError, ClientTimeout, ConnectionFailed
from ottla.client.partitioner import StickyPartitioner, partition_of_key
from ottla.client.producing import DUPLICATE, LOST_PLACE, produce_request, produce_results
from ottla.client.retry import backoff_ms
from ottla.client.settings import ClientSettings
from ottla.client.view import NO_LEADER, TopicView
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET, NO_PRODUCER, NO_TIMESTAMP
from ottla.core.records.compression import Codec
from ottla.core.records.record import Header
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.produce import ProduceResponse
from ottla.world.doors import Task

ANONYMOUS: Final = (NO_PRODUCER, NO_EPOCH)
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
        self.on_delivery = on_delivery
        self._clock = cluster.world.clock
        self._codec = Codec.named(self.settings.compression_type)
        self._sticky: dict[str, StickyPartitioner] = {}
        self._queues: dict[tuple[str, int], PartitionQueue] = {}
        self._pending: dict[tuple[str, int], PartitionQueue] = {}
        """Queues with batches in them, in flight or not."""
        self._requests: dict[int, int] = {}
        """Node id -> produce requests in flight."""
        self._buffered = 0
        self._room: list[Future[Any]] = []
        self._idle: list[Future[Any]] = []
        self._flushing = 0
        self._wake: Future[Any] | None = None
        self._pump: Task | None = None
        self._identity = ANONYMOUS
        self._refreshing: set[str] = set()
        self._closed = False

    @property
    def idempotent(self) -> bool:
        return self.settings.enable_idempotence and self.settings.acks == ALL

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
        if self._closed:
            raise ClientClosed("the producer is closed")
        size = estimate(key, value, headers)
        if size > self.settings.max_request_size:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"a record of {size} bytes is larger than max.request.size={self.settings.max_request_size}",
            )
        view = self.cluster.view.topics.get(topic) or await self.cluster.topic(topic, create=True)
        while self._buffered + size > self.settings.buffer_memory and self._buffered:
            await self._until(self._room)
        if partition is None:
            partition = self._choose(view, key, size)
        elif partition not in view.partitions:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"topic {topic!r} has {len(view.partitions)} partitions, no partition {partition}",
            )
        if timestamp is None:
            timestamp = self._clock.wall()
        batch = self._batch_for(topic, partition, size)
        before = batch.builder.size
        index = batch.builder.append(timestamp, key, value, headers)
        self._buffered += batch.builder.size - before
        if batch.builder.size >= self.settings.batch_size or index == 0:
            self._wake_pump()
        return Delivery(self.cluster.world, batch, index)

    async def flush(self) -> None:
        """Wait until everything sent so far has been delivered or has failed."""
        self._flushing += 1
        self._wake_pump()
        try:
            while self._pending:
                await self._until(self._idle)
        finally:
            self._flushing -= 1

    async def close(self) -> None:
        """Flush, then stop."""
        if not self._closed:
            await self.flush()
            self.abort(ClientClosed("the producer is closed"))

    def abort(self, error: Exception) -> None:
        """Stop now: what was not delivered fails with `error`."""
        self._closed = True
        if self._pump is not None:
            self._pump.cancel()
        for queue in list(self._pending.values()):
            while queue.batches:
                self._finish(queue, queue.batches[0], error=error)

    # -- batches

    def _choose(self, view: TopicView, key: bytes | None, size: int) -> int:
        """By key, or sticky: moving on when the current partition's batch is full."""
        if key is not None:
            return partition_of_key(key, len(view.partitions))
        available = view.led() or list(view.partitions)
        sticky = self._sticky.get(view.name)
        if sticky is None:
            sticky = self._sticky[view.name] = StickyPartitioner(self.cluster.world.chance)
        chosen = sticky.choose(available)
        queue = self._queues.get((view.name, chosen))
        if (
            queue is not None
            and queue.batches
            and queue.batches[-1].builder.size + size > self.settings.batch_size
        ):
            sticky.batch_full(available)
        return sticky.current

    def _batch_for(self, topic: str, partition: int, size: int) -> Batch:
        """The batch that takes the next record of a partition: the youngest with room, or a new one."""
        key = (topic, partition)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = PartitionQueue(topic, partition)
        if queue.batches:
            youngest = queue.batches[-1]
            if youngest.encoded is None and youngest.builder.size + size <= self.settings.batch_size:
                return youngest
        batch = Batch(topic, partition, self._codec, self._clock.now(), self._clock.future())
        queue.batches.append(batch)
        self._pending[key] = queue
        self._buffered += batch.builder.size
        return batch

    def _finish(
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
            self._pending.pop((queue.topic, queue.partition), None)
        self._buffered -= batch.builder.size
        outcome = Delivered(batch.topic, batch.partition, offset, batch.count, appended, error)
        if not batch.done.done():
            batch.done.set_result(outcome)
        if self.on_delivery is not None:
            self.on_delivery(outcome)
        release(self._room)
        if not self._pending:
            release(self._idle)

    async def _until(self, waiters: list[Future[Any]]) -> None:
        if self._closed:
            raise ClientClosed("the producer is closed")
        future = self._clock.future()
        waiters.append(future)
        await future

    # -- the pump

    def _wake_pump(self) -> None:
        if self._pump is None:
            self._pump = self._clock.spawn(self._run(), name="producer")
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _run(self) -> None:
        """Send whatever is ready; sleep until something may be. Ends with the producer."""
        while not self._closed:
            self._wake = self._clock.future()
            if self.idempotent and self._identity == ANONYMOUS and self._pending:
                await self._introduce()
            due = self._dispatch(self._clock.now())
            timer = None if due is None else self._clock.call_at(due, self._wake_pump)
            try:
                await self._wake
            finally:
                if timer is not None:
                    timer.cancel()

    async def _introduce(self) -> None:
        """Get a producer id. When that fails for good, so does everything that waits for it."""

        async def ask() -> tuple[int, int]:
            answer = await self.cluster.on_any(
                InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=2_147_483_647),
                InitProducerIdResponse,
            )
            if answer.error_code:
                raise KafkaError(error_of(answer.error_code), "no producer id")
            return answer.producer_id, answer.producer_epoch

        try:
            self._identity = await self.cluster.retrying(ask, timeout=self.settings.delivery_timeout_ms)
        except (ClientError, KafkaError) as error:
            for queue in list(self._pending.values()):
                if not queue.in_flight:
                    self._finish(queue, queue.batches[0], error=error)

    def _dispatch(self, now: int) -> int | None:
        """Send the ready batches, one request a leader. Returns when to look again, None: when woken."""
        due: int | None = None
        plans: dict[int, list[PartitionQueue]] = {}
        sizes: dict[int, int] = {}
        for queue in list(self._pending.values()):
            if queue.in_flight:
                continue
            wanted = self._when(queue, now)
            if wanted > now:
                due = wanted if due is None else min(due, wanted)
                continue
            leader = self.cluster.view.leader(queue.topic, queue.partition)
            if leader == NO_LEADER:
                self._try_later(
                    queue, queue.batches[0], KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, "no leader")
                )
                continue
            busy = self._requests.get(leader, 0) >= self.settings.max_in_flight_requests_per_connection
            size = queue.batches[0].builder.size
            if busy or (leader in plans and sizes[leader] + size > self.settings.max_request_size):
                continue  # the answer to what is under way wakes us
            plans.setdefault(leader, []).append(queue)
            sizes[leader] = sizes.get(leader, 0) + size
        for leader, queues in plans.items():
            self._launch(leader, queues)
        return due

    def _when(self, queue: PartitionQueue, now: int) -> int:
        """When the oldest batch of a queue may go."""
        head = queue.batches[0]
        if head.retry_at > now:
            return head.retry_at
        linger = self.settings.linger_ms
        ready = queue.is_ready(now, linger, self.settings.batch_size, flushing=self._flushing > 0)
        return now if ready else head.created + linger

    def _launch(self, leader: int, queues: list[PartitionQueue]) -> None:
        if self.idempotent and self._identity == ANONYMOUS:
            return
        for queue in queues:
            queue.in_flight = True
            queue.encode_head(self._identity)
        self._requests[leader] = self._requests.get(leader, 0) + 1
        self._clock.spawn(self._produce(leader, queues), name=f"produce to broker {leader}")

    async def _produce(self, leader: int, queues: list[PartitionQueue]) -> None:
        """One request to one leader, and what its answer means for each batch."""
        batches = [queue.batches[0] for queue in queues]
        try:
            results = await self._ask(leader, batches)
            for queue, batch in zip(queues, batches, strict=True):
                queue.in_flight = False
                offset, appended, error = results[batch.topic, batch.partition]
                self._settle(queue, batch, offset, appended, error)
        except (ClientError, KafkaError) as error:
            lasting = not isinstance(error, (ConnectionFailed, ClientTimeout))
            for queue, batch in zip(queues, batches, strict=True):
                queue.in_flight = False
                if lasting:
                    self._give_up(queue, batch, error)
                else:
                    self._try_later(queue, batch, error)
        finally:
            self._requests[leader] -= 1
            if not self._closed:
                self._wake_pump()

    async def _ask(
        self, leader: int, batches: list[Batch]
    ) -> dict[tuple[str, int], tuple[int, int, KafkaError | None]]:
        connection = await self.cluster.connection(leader)
        request, newest = produce_request(self.settings, self.cluster.view, batches)
        if self.settings.acks == 0:
            connection.send(request, newest=newest)
            return {(batch.topic, batch.partition): (NO_OFFSET, NO_TIMESTAMP, None) for batch in batches}
        answer = await connection.call(request, ProduceResponse, newest=newest)
        return produce_results(answer, self.cluster.view, batches)

    def _settle(
        self, queue: PartitionQueue, batch: Batch, offset: int, appended: int, error: KafkaError | None
    ) -> None:
        """One partition's part of an answer."""
        if batch.done.done():
            return
        if error is None or error.code == DUPLICATE:
            self._finish(queue, batch, offset=NO_OFFSET if error else offset, appended=appended)
        elif error.code in LOST_PLACE and self.idempotent:
            self._identity = ANONYMOUS
            if error.code == ErrorCode.UNKNOWN_PRODUCER_ID:
                queue.forget_place(batch)
                self._try_later(queue, batch, error)
            else:
                self._finish(queue, batch, error=error)
        elif error.code.retriable:
            self._try_later(queue, batch, error)
        else:
            queue.take_back(batch)
            self._finish(queue, batch, error=error)

    def _try_later(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """Back to the head of its queue for a while, with the leader asked for anew; or the end of its time."""
        if batch.done.done():
            return
        batch.attempts += 1
        batch.last_error = error
        now = self._clock.now()
        batch.retry_at = now + backoff_ms(batch.attempts, self.settings, self.cluster.world.chance)
        if batch.retry_at >= batch.created + self.settings.delivery_timeout_ms:
            self._give_up(queue, batch, undelivered(batch, error))
            return
        self._refresh(batch.topic)
        self._clock.call_at(batch.retry_at, self._wake_pump)

    def _give_up(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """Fail a batch that a broker may or may not have written: its place in the sequence is unknown from now on."""
        if batch.encoded is not None and self.idempotent:
            self._identity = ANONYMOUS
        if not batch.done.done():
            self._finish(queue, batch, error=error)

    def _refresh(self, topic: str) -> None:
        """Ask for the topic's leaders, once at a time."""
        if topic in self._refreshing or self._closed:
            return
        self._refreshing.add(topic)

        async def ask() -> None:
            try:
                await self.cluster.refresh([topic], create=True)
            except (ClientError, KafkaError):
                pass  # the batch that wanted it tries again, or says why not when its time is over
            finally:
                self._refreshing.discard(topic)
                if not self._closed:
                    self._wake_pump()

        self._clock.spawn(ask(), name=f"metadata of {topic}")


def undelivered(batch: Batch, error: Exception) -> ClientTimeout:
    return ClientTimeout(
        f"{batch.count} records for {batch.topic}-{batch.partition} were not delivered in time; last: {error}"
    )


def release(waiters: list[Future[Any]]) -> None:
    """Wake all who wait; they look for themselves whether it was for them."""
    for future in waiters:
        if not future.done():
            future.set_result(None)
    waiters.clear()
