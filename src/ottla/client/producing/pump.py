"""The pump of a producer: one task that sends what is ready, as many requests at once as the settings allow.

Ready is a full batch, one older than linger.ms, or everything while somebody flushes. Which batch of a partition may
go is told in `batches`, what an answer means in `outcomes`.
"""

from __future__ import annotations

from asyncio import Future
from typing import Any, TypeAlias

from ottla.client.cluster import Cluster
from ottla.client.connection import BrokerConnection
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.producing.accumulator import Accumulator
from ottla.client.producing.batches import Batch, PartitionQueue
from ottla.client.producing.identity import Identity
from ottla.client.producing.metrics import Counters
from ottla.client.producing.outcomes import Outcomes
from ottla.client.producing.requests import produce_request, produce_results
from ottla.client.settings import ProducerSettings
from ottla.client.view import NO_LEADER
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_OFFSET, NO_TIMESTAMP
from ottla.core.wire.messages.produce import ProduceResponse
from ottla.world.doors import Task

Flight: TypeAlias = "tuple[PartitionQueue, Batch]"


class Pump:
    """Sends the batches of one accumulator. Its task starts with the first `wake`."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ProducerSettings,
        batches: Accumulator,
        identity: Identity,
        counters: Counters,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._batches = batches
        self._identity = identity
        self._counters = counters
        self._clock = cluster.world.clock
        self._window = settings.max_in_flight_requests_per_connection if settings.idempotent else 1
        self._requests: dict[int, int] = {}
        """Node id -> produce requests in flight."""
        self._links: dict[int, BrokerConnection] = {}
        self._connecting: set[int] = set()
        self._wake: Future[Any] | None = None
        self._task: Task | None = None
        self._refreshing: set[str] = set()
        self._outcomes = Outcomes(
            self._clock,
            cluster.world.chance,
            settings,
            batches,
            identity,
            counters,
            refresh=self._refresh,
            look_again=self.wake,
        )

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return sum(self._requests.values())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def wake(self) -> None:
        if self._batches.closed:
            return
        if self._task is None:
            self._task = self._clock.spawn(self._run(), name="producer")
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _run(self) -> None:
        """Send whatever is ready; sleep until something may be. Ends with the producer."""
        while not self._batches.closed:
            self._wake = self._clock.future()
            if self._batches.pending and await self._prepared():
                due = self._dispatch(self._clock.now())
            else:
                due = None
            timer = None if due is None else self._clock.call_at(due, self.wake)
            try:
                await self._wake
            finally:
                if timer is not None:
                    timer.cancel()

    async def _prepared(self) -> bool:
        """Have a producer id, and its partitions in the transaction. What waits fails when that fails for good."""
        try:
            if self._identity.is_wanted:
                await self._identity.introduce()
            strangers = [key for key in self._batches.pending if not self._identity.is_member(*key)]
            if strangers:
                await self._identity.join(strangers)
        except (ClientError, KafkaError) as error:
            self._batches.drop_waiting(error)
            return False
        return True

    # -- sending

    def _dispatch(self, now: int) -> int | None:
        """Send the ready batches, one request a leader. Returns when to look again, None: when woken."""
        due: int | None = None
        plans: dict[int, list[Flight]] = {}
        sizes: dict[int, int] = {}
        for queue in list(self._batches.pending.values()):
            batch = queue.next_up(self._window, self._identity.current)
            if batch is None or not self._identity.is_member(queue.topic, queue.partition):
                continue
            wanted = self._when(queue, batch, now)
            if wanted > now:
                due = wanted if due is None else min(due, wanted)
                continue
            leader = self._cluster.view.leader(queue.topic, queue.partition)
            if leader == NO_LEADER:
                self._outcomes.try_later(
                    queue, batch, KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, "no leader")
                )
                continue
            if queue.flying and leader != queue.leader:
                continue
            busy = self._requests.get(leader, 0) >= self._settings.max_in_flight_requests_per_connection
            size = batch.builder.size
            if busy or (leader in plans and sizes[leader] + size > self._settings.max_request_size):
                continue  # the answer to what is under way wakes us
            plans.setdefault(leader, []).append((queue, batch))
            sizes[leader] = sizes.get(leader, 0) + size
        for leader, flights in plans.items():
            self._launch(leader, flights)
        return now if plans and self._more(plans) else due

    def _more(self, plans: dict[int, list[Flight]]) -> bool:
        """Whether a partition that was just served may have another batch to go at once."""
        served = [flight for flights in plans.values() for flight in flights]
        return any(
            queue.next_up(self._window, self._identity.current) is not None
            for queue, batch in served
            if queue.batches and batch is not queue.batches[-1] and (queue.flying or batch.done.done())
        )

    def _when(self, queue: PartitionQueue, batch: Batch, now: int) -> int:
        """When a batch may go."""
        if batch.retry_at > now:
            return batch.retry_at
        linger = self._settings.linger_ms
        flushing = self._batches.flushing > 0
        ready = queue.is_ready(batch, now, linger, self._settings.batch_size, flushing=flushing)
        return now if ready else batch.created + linger

    def _launch(self, leader: int, flights: list[Flight]) -> None:
        """One request to one leader. It is sent before this returns, so requests leave in the order of batches."""
        link = self._links.get(leader)
        if link is None or not link.usable or link.address != self._cluster.view.nodes.get(leader):
            if leader not in self._connecting:
                self._connecting.add(leader)
                self._clock.spawn(self._connect(leader, flights), name=f"connect to broker {leader}")
            return
        for queue, batch in flights:
            queue.launch(batch, leader, self._identity.current, transactional=self._identity.transactional)
        batches = [batch for _, batch in flights]
        self._identity.writing()
        try:
            request, newest = produce_request(
                self._settings, self._cluster.view, batches, self._identity.newest_produce
            )
            self._counters.sent(sum(len(batch.encoded or b"") for batch in batches))
            if self._settings.acks == 0:
                link.send(request, newest=newest)
                for queue, batch in flights:
                    queue.land(batch)
                    self._outcomes.settle(queue, batch, NO_OFFSET, NO_TIMESTAMP, None)
                return
            answer = link.begin(request, ProduceResponse, newest=newest)
        except (ClientError, KafkaError) as error:
            self._failed(flights, error)
            return
        self._requests[leader] = self._requests.get(leader, 0) + 1
        self._clock.spawn(self._answered(leader, flights, answer), name=f"produce to broker {leader}")

    async def _connect(self, leader: int, flights: list[Flight]) -> None:
        try:
            self._links[leader] = await self._cluster.connection(leader)
        except (ClientError, KafkaError) as error:
            for queue, batch in flights:
                if not batch.is_flying:
                    self._outcomes.try_later(queue, batch, error)
        finally:
            self._connecting.discard(leader)
            self.wake()

    async def _answered(self, leader: int, flights: list[Flight], answer: Future[Any]) -> None:
        """Await one answer, and see what it means for each batch."""
        began = self._clock.now()
        try:
            outcome: ProduceResponse = await answer
            self._counters.answered(self._clock.now() - began)
            results = produce_results(outcome, self._cluster.view, [batch for _, batch in flights])
            for queue, batch in flights:
                queue.land(batch)
            for queue, batch in flights:
                offset, appended, error = results[batch.topic, batch.partition]
                self._outcomes.settle(queue, batch, offset, appended, error)
        except (ClientError, KafkaError) as problem:
            self._failed(flights, problem)
        finally:
            self._requests[leader] -= 1
            self.wake()

    def _failed(self, flights: list[Flight], error: Exception) -> None:
        """No answer at all: a connection that broke is tried again, anything else will not get better."""
        lasting = not isinstance(error, (ConnectionFailed, ClientTimeout))
        for queue, batch in flights:
            queue.land(batch)
            if lasting:
                self._outcomes.give_up(queue, batch, error)
            else:
                self._outcomes.try_later(queue, batch, error)

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
                self.wake()

        self._clock.spawn(ask(), name=f"metadata of {topic}")
