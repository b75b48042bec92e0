"""A consumer of partitions: no group, positions are the caller's.

    consumer = PartitionConsumer(cluster)
    consumer.assign({("orders", 0): 0, ("orders", 1): 42})
    while fetched := await consumer.poll(500):
        for part in fetched:
            for record in part.records(): ...

It hands over whole batches (`Fetched`), as they lie in the log; nothing is done per record before somebody asks for
records. One fetch is under way for every broker that leads something, and the next one leaves while the caller works
on the last: at most one answer a broker waits in memory (fetch.max.bytes each).
"""

from __future__ import annotations

from asyncio import Future
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.fetched import Fetched, visible_batches
from ottla.client.fetching import NEWEST_BY_NAME, Position, fetch_request, has_ids
from ottla.client.offsets import EARLIEST, LATEST, TopicPartition, list_offsets
from ottla.client.retry import Patience, backoff_ms
from ottla.client.settings import ClientSettings
from ottla.client.view import NO_LEADER
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.messages.fetch import FetchResponse, PartitionData
from ottla.world.doors import Task

RESETS: Final = {"earliest": EARLIEST, "latest": LATEST}

MOVED: Final = frozenset(
    {
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.INCONSISTENT_TOPIC_ID,
        ErrorCode.REPLICA_NOT_AVAILABLE,
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.OFFSET_NOT_AVAILABLE,
    }
)
"""Errors that newer metadata may cure."""


class PartitionConsumer:
    """Reads assigned partitions. `auto.offset.reset` says what happens when a position is out of range."""

    def __init__(self, cluster: Cluster, settings: ClientSettings | None = None) -> None:
        self.cluster = cluster
        self.settings = settings or cluster.settings
        self._clock = cluster.world.clock
        self._patience = Patience("read")
        self._positions: dict[TopicPartition, Position] = {}
        self._fetching: dict[int, Task] = {}
        """Node id -> the fetch under way there."""
        self._arrived: list[Fetched] = []
        self._holding: set[int] = set()
        """Nodes whose last answer the caller has not taken yet."""
        self._failure: Exception | None = None
        self._wake: Future[Any] | None = None
        self._attempts = 0
        self._retry_at = 0
        self._stale: set[str] = set()
        self._refreshing: Task | None = None

    # -- assignment

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions, each from an offset, and no others."""
        self._positions = {
            (topic, partition): Position(topic, partition, offset)
            for (topic, partition), offset in positions.items()
        }
        self._arrived = [each for each in self._arrived if (each.topic, each.partition) in self._positions]

    def unassign(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop reading some partitions."""
        for partition in partitions:
            self._positions.pop(partition, None)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Go on from `offset`; what was fetched from elsewhere and not yet handed over is dropped."""
        self._positions[topic, partition] = Position(topic, partition, offset)
        self._arrived = [each for each in self._arrived if (each.topic, each.partition) != (topic, partition)]

    def position(self, topic: str, partition: int) -> int:
        """The offset after what has been fetched."""
        return self._positions[topic, partition].offset

    def close(self) -> None:
        """Stop fetching. The cluster's connections stay open: they are the cluster's."""
        for task in (*self._fetching.values(), *((self._refreshing,) if self._refreshing else ())):
            task.cancel()
        self._fetching.clear()
        self._positions.clear()

    # -- reading

    async def poll(self, max_wait: int) -> list[Fetched]:
        """What has arrived, waiting up to `max_wait` ms for the first of it. Empty when nothing came.

        Raises KafkaError for a partition that cannot be read on (OFFSET_OUT_OF_RANGE with auto.offset.reset=none,
        TOPIC_AUTHORIZATION_FAILED, CORRUPT_MESSAGE, …), NoBroker and ClientTimeout when the cluster stays away
        longer than default.api.timeout.ms.
        """
        deadline = self._clock.now() + max_wait
        while True:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._arrived:
                taken, self._arrived = self._arrived, []
                self._holding.clear()
                self._launch()
                return taken
            self._launch()
            now = self._clock.now()
            if now >= deadline:
                return []
            await self._sleep_until(min(deadline, self._retry_at) if self._retry_at > now else deadline)

    async def _sleep_until(self, when: int) -> None:
        self._wake = self._clock.future()
        timer = self._clock.call_at(when, self._ring)
        try:
            await self._wake
        finally:
            timer.cancel()

    def _ring(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _launch(self) -> None:
        """Send a fetch to every leader that has none under way and whose last answer was taken."""
        if self._clock.now() < self._retry_at:
            return
        if self._stale:
            self._refresh()
            return
        by_leader: dict[int, list[Position]] = defaultdict(list)
        for position in self._positions.values():
            leader = self.cluster.view.leader(position.topic, position.partition)
            if leader == NO_LEADER:
                self._stale.add(position.topic)
            elif leader not in self._fetching and leader not in self._holding:
                by_leader[leader].append(position)
        for leader, positions in by_leader.items():
            self._fetching[leader] = self._clock.spawn(
                self._fetch(leader, positions), name=f"fetch from broker {leader}"
            )
        if self._stale:
            self._refresh()

    async def _fetch(self, leader: int, positions: list[Position]) -> None:
        try:
            request = fetch_request(self.settings, self.cluster.view, positions)
            newest = None if has_ids(self.cluster.view, positions) else NEWEST_BY_NAME
            patience = self.settings.request_timeout_ms + self.settings.fetch_max_wait_ms
            answer = await self.cluster.on_node(
                leader, request, FetchResponse, timeout=patience, newest=newest
            )
            if answer.error_code:
                raise KafkaError(error_of(answer.error_code), f"fetch from broker {leader}")
            if await self._take(answer):
                self._holding.add(leader)
            self._attempts = 0
            self._patience.worked()
        except (ConnectionFailed, ClientTimeout) as error:
            self._later({position.topic for position in positions}, error)
        except (ClientError, KafkaError) as error:
            self._failure = error
        finally:
            self._fetching.pop(leader, None)
            self._ring()

    async def _take(self, answer: FetchResponse) -> bool:
        """Turn an answer into what `poll` hands over. True when there is something."""
        before = len(self._arrived)
        for topic in answer.responses:
            name = topic.topic or self.cluster.view.names.get(topic.topic_id, "")
            for data in topic.partitions:
                position = self._positions.get((name, data.partition_index))
                if position is None:
                    continue
                if data.error_code:
                    await self._refused(position, error_of(data.error_code))
                else:
                    self._took(position, data)
        return len(self._arrived) > before

    def _took(self, position: Position, data: PartitionData) -> None:
        """A partition's batches; the position moves behind them."""
        committed = self.settings.isolation_level == "read_committed"
        records = data.records
        assert not hasattr(records, "file"), "an answer from the network is in memory"
        batches, next_offset = visible_batches(
            memoryview(records or b""),  # type: ignore[arg-type]
            position.offset,
            data.aborted_transactions if committed else None,
            check_crcs=self.settings.check_crcs,
        )
        moved = next_offset > position.offset
        position.offset = next_offset
        position.high_watermark = data.high_watermark
        if batches or moved:
            self._arrived.append(
                Fetched(
                    position.topic,
                    position.partition,
                    batches,
                    next_offset,
                    data.high_watermark,
                    data.last_stable_offset,
                    data.log_start_offset,
                )
            )

    async def _refused(self, position: Position, code: ErrorCode) -> None:
        """An error in place of batches: follow the leader, start anew, or tell the caller."""
        if code == ErrorCode.OFFSET_OUT_OF_RANGE and self.settings.auto_offset_reset in RESETS:
            key = (position.topic, position.partition)
            where = RESETS[self.settings.auto_offset_reset]
            position.offset = (await list_offsets(self.cluster, {key: where}))[key].offset
            return
        error = KafkaError(
            code, f"{position.topic}-{position.partition} at offset {position.offset}: {code.sentence}"
        )
        if code in MOVED:
            self._later({position.topic}, error)
        else:
            self._failure = error

    # -- when something is not where it was

    def _later(self, topics: set[str], error: Exception) -> None:
        """Ask for metadata anew after a pause; give up when that goes on for too long."""
        self._stale |= topics
        self._attempts += 1
        self._patience.failed(self._attempts, error)
        pause = backoff_ms(self._attempts, self.settings, self.cluster.world.chance)
        self._retry_at = self._clock.now() + pause
        if self._attempts * self.settings.retry_backoff_max_ms > self.settings.default_api_timeout_ms:
            self._failure = error

    def _refresh(self) -> None:
        if self._refreshing is not None:
            return
        topics = set(self._stale)

        async def ask() -> None:
            try:
                await self.cluster.refresh(topics)
                self._stale -= topics
                self._judge(topics)
            except (ClientError, KafkaError) as error:
                self._later(topics, error)
            finally:
                self._refreshing = None
                self._ring()

        self._refreshing = self._clock.spawn(ask(), name="metadata for fetching")

    def _judge(self, topics: set[str]) -> None:
        """What fresh metadata say: a topic that is gone, or partitions still without a leader."""
        for topic in topics:
            code = self.cluster.view.errors.get(topic)
            if code is not None and not code.retriable:
                self._failure = KafkaError(code, f"topic {topic!r}: {code.sentence}")
            elif code is not None or self._leaderless(topic):
                sentence = code.sentence if code else "a partition has no leader"
                self._later(
                    {topic},
                    KafkaError(code or ErrorCode.LEADER_NOT_AVAILABLE, f"topic {topic!r}: {sentence}"),
                )

    def _leaderless(self, topic: str) -> bool:
        return any(
            self.cluster.view.leader(name, partition) == NO_LEADER
            for name, partition in self._positions
            if name == topic
        )
