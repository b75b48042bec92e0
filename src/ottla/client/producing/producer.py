"""The producer: records in, batches out, deliveries back.

    async with Producer(bootstrap_servers="localhost:9092", linger_ms=20) as producer:
        delivery = await producer.send("orders", b"hello", key=b"42")
        print((await delivery).offset)

`send` returns once the record is in a batch; it waits only for room (buffer.memory) and for the topic's first
metadata, max.block.ms at most. Whenever a batch was begun or filled, the loop gets a turn before the next record, so that
batches leave while the application goes on sending. The accumulator keeps the batches, the pump sends those that are ready. With idempotence
(the default with acks=all) a batch that is tried again is written once, and in its place.

With a transactional.id everything is sent in transactions:

    async with producer.transaction():
        await producer.send("orders", b"hello")
        await producer.send_offsets_to_transaction({("payments", 0): 42}, "billing")
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from types import TracebackType
from typing import Any, Final

from ottla.client.cluster import Cluster
from ottla.client.consuming.committing import Committed
from ottla.client.errors import ClientClosed, ClientError
from ottla.client.group_metadata import GroupMetadata, Member
from ottla.client.opening import Lease, NotOpen
from ottla.client.producing.accumulator import Accumulator
from ottla.client.producing.batches import Batch, estimate
from ottla.client.producing.delivery import Delivered, Deliveries, Delivery
from ottla.client.producing.identity import Identity
from ottla.client.producing.metrics import Counters, metrics_of
from ottla.client.producing.outgoing import (
    Interceptor,
    Outgoing,
    are_values,
    intercepted,
    largest_row,
    raw,
    too_large,
)
from ottla.client.producing.partitioner import OwnPartitioner
from ottla.client.producing.placing import Placing, no_partition
from ottla.client.producing.pump import Pump
from ottla.client.producing.transactions import NoTransaction, Transactions
from ottla.client.serialization import Serializes, serializing
from ottla.client.settings import ProducerSettings
from ottla.client.view import TopicView
from ottla.core.model.errors import KafkaError
from ottla.core.records.record import Header

log = logging.getLogger("ottla.client")

SOME: Final = 1000
"""Records that `send_batch` looks at together."""


class Producer:
    """Sends records. Settings are keywords (`linger_ms=20`), Kafka's `properties`, or both; keywords win.

    Over a `cluster` that is lent, several clients share its connections. `partitioner`: murmur2 (as the Java client),
    crc32 (as librdkafka), round_robin, or a function of topic, key and value. `on_delivery` is called once a batch, in
    the order batches end; it must not raise. Raises SettingRefused.
    """

    def __init__(
        self,
        cluster: Cluster | None = None,
        *,
        properties: Mapping[str, object] | None = None,
        key_serializer: Serializes | None = None,
        value_serializer: Serializes | None = None,
        partitioner: str | OwnPartitioner = "murmur2",
        interceptors: Sequence[Interceptor] = (),
        on_delivery: Callable[[Delivered], None] | None = None,
        **settings: Any,
    ) -> None:
        self._lease = Lease(ProducerSettings, cluster, properties, settings)
        self.settings = self._lease.settings
        self.on_delivery = on_delivery
        self._key_bytes = serializing(key_serializer)
        self._value_bytes = serializing(value_serializer)
        self._partitioner = partitioner
        self._interceptors = tuple(interceptors)
        self._counters = Counters()
        self._is_set_up = False
        self._topics: Mapping[str, TopicView] = {}
        """What is known of topics while the producer is open; empty before and after."""
        self._owes_turn = False
        """A batch was begun or filled since the loop last had a turn, in which the pump sends."""
        if cluster is not None:
            self._set_up(cluster)

    def _set_up(self, cluster: Cluster) -> None:
        """Everything that needs a world."""
        settings = self.settings
        self._world = cluster.world
        self._topics = cluster.view.topics
        self._clock = cluster.world.clock
        self._batches = Accumulator(self._clock, settings)
        self._placing = Placing(cluster, settings, self._batches, self._partitioner)
        transactional = settings.transactional_id is not None
        self._transactions = Transactions(cluster, settings) if transactional else None
        identity = self._transactions or Identity(cluster, settings)
        self._pump = Pump(cluster, settings, self._batches, identity, self._counters)
        listeners = self._batches.listeners
        listeners.append(self._counters.ended)
        if self._transactions is not None:
            listeners.append(self._transactions.ended)
        listeners.extend(interceptor.on_delivered for interceptor in self._interceptors)
        listeners.append(self._tell)
        self._is_set_up = True

    def _tell(self, delivered: Delivered) -> None:
        if self.on_delivery is not None:
            self.on_delivery(delivered)

    @property
    def cluster(self) -> Cluster:
        """Raises NotOpen."""
        return self._lease.cluster

    @property
    def idempotent(self) -> bool:
        return self.settings.idempotent

    # -- opening and closing

    async def open(self) -> None:
        """Connect; with a transactional.id, take it. `async with` does this. Raises NoBroker, KafkaError."""
        cluster = await self._lease.open()
        if not self._is_set_up:
            self._set_up(cluster)
        if self._transactions is not None:
            await self._transactions.introduce()

    async def __aenter__(self) -> Producer:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
            return
        try:
            await self._abort_open()
        except (ClientError, KafkaError) as problem:
            log.warning("the transaction was not aborted, it will time out: %s", problem)
        finally:
            self.abort(ClientClosed("the producer was given up"))

    async def close(self) -> None:
        """Send what is left, then stop. An open transaction is aborted."""
        if not self._is_set_up or self._batches.closed:
            self._lease.close()
            return
        try:
            await self._abort_open()
            await self.flush()
        finally:
            self.abort(ClientClosed("the producer is closed"))

    def abort(self, error: Exception) -> None:
        """Stop now: what was not delivered fails with `error`."""
        if self._is_set_up:
            self._batches.closed = True
            self._topics = {}
            self._pump.stop()
            for queue in list(self._batches.pending.values()):
                while queue.batches:
                    self._batches.finish(queue, queue.batches[0], error=error)
        self._lease.close()

    # -- sending

    async def send(
        self,
        topic: str,
        value: Any,
        *,
        key: Any = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp: int | None = None,
    ) -> Delivery:
        """Put a record into a batch. `timestamp` in ms (default: now). Await what it returns for the offset.

        Raises KafkaError for an unknown topic or partition and a record over max.request.size, ClientTimeout when there
        was no room for max.block.ms, SerializationError, NoBroker, ClientClosed, NoTransaction, TransactionFailed.
        """
        if self._owes_turn:
            await self._turn()
        view = self._topics.get(topic)
        if view is None or self._transactions is not None:
            view = self._known(topic)
            if view is None:
                view = await self._topic(topic)
                self._known(topic)
        if self._interceptors:
            value, key, headers, partition, timestamp = intercepted(
                self._interceptors, topic, Outgoing(value, key, headers, partition, timestamp)
            )
        if type(value) is not bytes or self._value_bytes is not None:
            value = raw(self._value_bytes, topic, value)
        if key is not None:
            key = raw(self._key_bytes, topic, key)
        size = estimate(key, value, headers)
        settings = self.settings
        if size > settings.max_request_size:
            raise too_large(size, settings.max_request_size)
        if self._batches.buffered + size > settings.buffer_memory:
            await self._room(size)
            self._known(topic)
        batch, index, is_due = self._placing.place(view, value, key, headers, partition, timestamp, size)
        if is_due:
            self._pump.wake()
            self._owes_turn = True
        return Delivery(self._world, batch, index)

    async def send_batch(
        self, topic: str, records: Iterable[Outgoing | Any], *, partition: int | None = None
    ) -> Deliveries:
        """Send many records: each an `Outgoing`, or a value alone. Raises what `send` raises, before anything is sent
        that comes after the record at fault."""
        batches: dict[Batch, None] = {}
        count = 0
        waiting = iter(records)
        while some := list(islice(waiting, SOME)):
            if are_values(some) and not self._interceptors:
                serialize = self._value_bytes
                plain = serialize is None and set(map(type, some)) <= {bytes}
                values: list[Any] = some if plain else [raw(serialize, topic, value) for value in some]
                sent = await self.send_columns(topic, values, partition=partition)
            else:
                sent = await self._send_each(topic, some, partition)
            batches.update(dict.fromkeys(sent.batches))
            count += len(some)
        return Deliveries(self._world, list(batches), count)

    async def _send_each(
        self, topic: str, records: Sequence[Outgoing | Any], partition: int | None
    ) -> Deliveries:
        """Records that differ in more than their values."""
        batches: dict[Batch, None] = {}
        for record in records:
            each = record if isinstance(record, Outgoing) else Outgoing(record)
            delivery = await self.send(
                topic,
                each.value,
                key=each.key,
                headers=each.headers,
                partition=partition if each.partition is None else each.partition,
                timestamp=each.timestamp,
            )
            batches[delivery.batch] = None
        return Deliveries(self._world, list(batches), len(records))

    async def send_columns(
        self,
        topic: str,
        values: Sequence[bytes | None],
        *,
        keys: Sequence[bytes | None] | None = None,
        timestamps: Sequence[int] | None = None,
        partition: int | None = None,
    ) -> Deliveries:
        """Send whole columns of bytes, a record a row: nothing is done per record but its encoding.

        Serializers and interceptors are not asked. Rows of one partition keep their order. Raises what `send` raises,
        and ValueError for columns of different lengths.
        """
        if any(column is not None and len(column) != len(values) for column in (keys, timestamps)):
            raise ValueError("the columns differ in length")
        view = self._known(topic) or await self._topic(topic)
        if partition is not None and partition not in view.partitions:
            raise no_partition(view, partition)
        largest = largest_row(values, keys)
        if largest > self.settings.max_request_size:
            raise too_large(largest, self.settings.max_request_size)
        groups = None if partition is not None else self._placing.partitions_of(view, values, keys)
        batches: dict[Batch, None] = {}
        if groups is None:
            await self._send_rows(view, partition, values, keys, timestamps, batches)
        else:
            for chosen, rows in groups.items():
                await self._send_rows(
                    view,
                    chosen,
                    [values[row] for row in rows],
                    None if keys is None else [keys[row] for row in rows],
                    None if timestamps is None else [timestamps[row] for row in rows],
                    batches,
                )
        return Deliveries(self._world, list(batches), len(values))

    async def _send_rows(
        self,
        view: TopicView,
        partition: int | None,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None,
        timestamps: Sequence[int] | None,
        batches: dict[Batch, None],
    ) -> None:
        """Rows of one partition, or of whichever the sticky partitioner is at, a batch at a time."""
        row = 0
        while row < len(values):
            if self._owes_turn:
                await self._turn()
            await self._room(self.settings.batch_size)
            self._known(view.name)
            batch, row = self._placing.extend(view, partition, values, keys, timestamps, row)
            batches[batch] = None
            self._pump.wake()
            self._owes_turn = row < len(values) or batch.builder.size >= self.settings.batch_size

    async def flush(self) -> None:
        """Wait until everything sent so far has been delivered or has failed."""
        self._batches.flushing += 1
        self._pump.wake()
        try:
            while self._batches.pending:
                await self._batches.until(self._batches.idle)
        finally:
            self._batches.flushing -= 1

    async def partitions_for(self, topic: str) -> TopicView:
        """A topic with its partitions and their leaders. Raises KafkaError, NoBroker."""
        return await self._topic(topic)

    def metrics(self) -> dict[str, float]:
        """Totals and the state of things, under the names of Kafka's producer metrics (bytes, ms)."""
        return metrics_of(self._counters, self._batches, self._pump.in_flight)

    # -- transactions

    async def init_transactions(self) -> None:
        """Take the transactional id: fences a producer that has it, and ends what it left. `open` does it too."""
        await self._transaction().introduce()

    async def begin_transaction(self) -> None:
        """Open a transaction. Raises NoTransaction while one is open, TransactionFailed when fenced, KafkaError."""
        await self._transaction().begin()

    async def send_offsets_to_transaction(
        self, offsets: Mapping[tuple[str, int], int | Committed], group: str | GroupMetadata | Member
    ) -> None:
        """Commit where a group goes on reading, by (topic, partition), with what was written.

        `group`: the consumer, so that a member that lost its partitions meanwhile cannot commit, or a group's id.
        Raises KafkaError; then the transaction has failed.
        """
        await self._transaction().send_offsets(offsets, group)

    async def commit_transaction(self) -> None:
        """Deliver everything, then make it count. Raises TransactionFailed when something was not written; ClientTimeout
        and ConnectionFailed leave the outcome open: commit again to learn it."""
        transactions = self._transaction()
        transactions.committing()
        await self.flush()
        transactions.committing()
        await transactions.end(commit=True)

    async def abort_transaction(self) -> None:
        """Undo the transaction: what was not sent yet fails, what was sent counts for nothing. Raises KafkaError."""
        transactions = self._transaction()
        transactions.aborting()
        if self._batches.drop_waiting(ClientClosed("the transaction was aborted")):
            transactions.lose()
        await self.flush()
        await transactions.end(commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Producer]:
        """Begin; commit at the end, or abort when something is raised on the way."""
        await self.begin_transaction()
        try:
            yield self
        except BaseException:
            await self._abort_open()
            raise
        try:
            await self.commit_transaction()
        except KafkaError:
            await self._abort_open()
            raise
        except ClientError:
            if self._transaction().has_failed:
                await self._abort_open()
            raise

    def _transaction(self) -> Transactions:
        if not self._is_set_up:
            raise NotOpen("the producer is not open")
        if self._batches.closed:
            raise ClientClosed("the producer is closed")
        if self._transactions is None:
            raise NoTransaction("the producer has no transactional.id")
        return self._transactions

    async def _abort_open(self) -> None:
        if self._is_set_up and self._transactions is not None and self._transactions.is_open:
            await self.abort_transaction()

    # -- on the way into a batch

    def _known(self, topic: str) -> TopicView | None:
        """What is known of a topic, once it is clear that something may be sent at all."""
        view = self._lease.cluster.view.topics.get(topic)
        if self._batches.closed:
            raise ClientClosed("the producer is closed")
        if self._transactions is not None:
            self._transactions.check_open()
        return view

    async def _topic(self, topic: str) -> TopicView:
        return await self.cluster.topic(topic, create=True, timeout=self.settings.max_block_ms)

    async def _turn(self) -> None:
        """Let the pump send what is ready, so that brokers write while the application goes on."""
        self._owes_turn = False
        await self._clock.sleep(0)

    async def _room(self, size: int) -> None:
        """Wait until `size` more bytes may be kept, max.block.ms at most. Raises ClientTimeout."""
        deadline = self._clock.now() + self.settings.max_block_ms
        while self._batches.buffered and self._batches.buffered + size > self.settings.buffer_memory:
            await self._batches.until(self._batches.room, deadline)
