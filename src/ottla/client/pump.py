"""The pump of a producer: one task that sends what is ready, and makes of each answer a batch's end or another try.

Ready is a full batch, one older than linger.ms, or everything while somebody flushes. A partition has one batch in
flight, so its records stay in order; with idempotence a batch that is tried again is written once.
"""

from __future__ import annotations

from asyncio import Future
from typing import Any, Final

from ottla.client.accumulator import Accumulator
from ottla.client.batches import Batch, PartitionQueue
from ottla.client.cluster import Cluster
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.producing import DUPLICATE, LOST_PLACE, produce_request, produce_results
from ottla.client.retry import Patience, backoff_ms
from ottla.client.settings import ClientSettings
from ottla.client.view import NO_LEADER
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET, NO_PRODUCER, NO_TIMESTAMP
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.produce import ProduceResponse
from ottla.world.doors import Task

ANONYMOUS: Final = (NO_PRODUCER, NO_EPOCH)


class Pump:
    """Sends the batches of one accumulator. Its task starts with the first `wake`."""

    def __init__(
        self, cluster: Cluster, settings: ClientSettings, batches: Accumulator, *, idempotent: bool
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._batches = batches
        self._idempotent = idempotent
        self._clock = cluster.world.clock
        self._requests: dict[int, int] = {}
        """Node id -> produce requests in flight."""
        self._wake: Future[Any] | None = None
        self._task: Task | None = None
        self._identity = ANONYMOUS
        self._refreshing: set[str] = set()
        self._patience = Patience("write")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def wake(self) -> None:
        if self._task is None:
            self._task = self._clock.spawn(self._run(), name="producer")
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _run(self) -> None:
        """Send whatever is ready; sleep until something may be. Ends with the producer."""
        while not self._batches.closed:
            self._wake = self._clock.future()
            if self._idempotent and self._identity == ANONYMOUS and self._batches.pending:
                await self._introduce()
            due = self._dispatch(self._clock.now())
            timer = None if due is None else self._clock.call_at(due, self.wake)
            try:
                await self._wake
            finally:
                if timer is not None:
                    timer.cancel()

    async def _introduce(self) -> None:
        """Get a producer id. When that fails for good, so does everything that waits for it."""

        async def ask() -> tuple[int, int]:
            answer = await self._cluster.on_any(
                InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=2_147_483_647),
                InitProducerIdResponse,
            )
            if answer.error_code:
                raise KafkaError(error_of(answer.error_code), "no producer id")
            return answer.producer_id, answer.producer_epoch

        try:
            self._identity = await self._cluster.retrying(ask, timeout=self._settings.delivery_timeout_ms)
        except (ClientError, KafkaError) as error:
            for queue in list(self._batches.pending.values()):
                if not queue.in_flight:
                    self._batches.finish(queue, queue.batches[0], error=error)

    def _dispatch(self, now: int) -> int | None:
        """Send the ready batches, one request a leader. Returns when to look again, None: when woken."""
        due: int | None = None
        plans: dict[int, list[PartitionQueue]] = {}
        sizes: dict[int, int] = {}
        for queue in list(self._batches.pending.values()):
            if queue.in_flight:
                continue
            wanted = self._when(queue, now)
            if wanted > now:
                due = wanted if due is None else min(due, wanted)
                continue
            leader = self._cluster.view.leader(queue.topic, queue.partition)
            if leader == NO_LEADER:
                self._try_later(
                    queue, queue.batches[0], KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, "no leader")
                )
                continue
            busy = self._requests.get(leader, 0) >= self._settings.max_in_flight_requests_per_connection
            size = queue.batches[0].builder.size
            if busy or (leader in plans and sizes[leader] + size > self._settings.max_request_size):
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
        linger = self._settings.linger_ms
        ready = queue.is_ready(now, linger, self._settings.batch_size, flushing=self._batches.flushing > 0)
        return now if ready else head.created + linger

    def _launch(self, leader: int, queues: list[PartitionQueue]) -> None:
        if self._idempotent and self._identity == ANONYMOUS:
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
            if not self._batches.closed:
                self.wake()

    async def _ask(
        self, leader: int, batches: list[Batch]
    ) -> dict[tuple[str, int], tuple[int, int, KafkaError | None]]:
        connection = await self._cluster.connection(leader)
        request, newest = produce_request(self._settings, self._cluster.view, batches)
        if self._settings.acks == 0:
            connection.send(request, newest=newest)
            return {(batch.topic, batch.partition): (NO_OFFSET, NO_TIMESTAMP, None) for batch in batches}
        answer = await connection.call(request, ProduceResponse, newest=newest)
        return produce_results(answer, self._cluster.view, batches)

    def _settle(
        self, queue: PartitionQueue, batch: Batch, offset: int, appended: int, error: KafkaError | None
    ) -> None:
        """One partition's part of an answer."""
        if batch.done.done():
            return
        if error is None or error.code == DUPLICATE:
            self._patience.worked()
            self._batches.finish(queue, batch, offset=NO_OFFSET if error else offset, appended=appended)
        elif error.code in LOST_PLACE and self._idempotent:
            self._identity = ANONYMOUS
            if error.code == ErrorCode.UNKNOWN_PRODUCER_ID:
                queue.forget_place(batch)
                self._try_later(queue, batch, error)
            else:
                self._batches.finish(queue, batch, error=error)
        elif error.code.retriable:
            self._try_later(queue, batch, error)
        else:
            queue.take_back(batch)
            self._batches.finish(queue, batch, error=error)

    def _try_later(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """Back to the head of its queue for a while, with the leader asked for anew; or the end of its time."""
        if batch.done.done():
            return
        batch.attempts += 1
        batch.last_error = error
        self._patience.failed(batch.attempts, error)
        now = self._clock.now()
        batch.retry_at = now + backoff_ms(batch.attempts, self._settings, self._cluster.world.chance)
        if batch.retry_at >= batch.created + self._settings.delivery_timeout_ms:
            self._give_up(queue, batch, undelivered(batch, error))
            return
        self._refresh(batch.topic)
        self._clock.call_at(batch.retry_at, self.wake)

    def _give_up(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """Fail a batch that a broker may or may not have written: its place in the sequence is unknown from now on."""
        if batch.encoded is not None and self._idempotent:
            self._identity = ANONYMOUS
        if not batch.done.done():
            self._batches.finish(queue, batch, error=error)

    def _refresh(self, topic: str) -> None:
        """Ask for the topic's leaders, once at a time."""
        if topic in self._refreshing or self._batches.closed:
            return
        self._refreshing.add(topic)

        async def ask() -> None:
            try:
                await self._cluster.refresh([topic], create=True)
            except (ClientError, KafkaError):
                pass  # the batch that wanted it tries again, or says why not when its time is over
            finally:
                self._refreshing.discard(topic)
                if not self._batches.closed:
                    self.wake()

        self._clock.spawn(ask(), name=f"metadata of {topic}")


def undelivered(batch: Batch, error: Exception) -> ClientTimeout:
    return ClientTimeout(
        f"{batch.count} records for {batch.topic}-{batch.partition} were not delivered in time; last: {error}"
    )
