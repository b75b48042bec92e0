"""Fetches what the positions want, from every broker that has some of it, one step ahead of the application.

One fetch is under way for every broker, and the next one leaves while the application works on what came: at most
one answer a broker waits in memory (fetch.max.bytes each). Fetches wait at the broker for data, so they have a lane of
connections of their own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from ottla.client.bell import Bell
from ottla.client.cluster import Cluster
from ottla.client.consuming.placing import Placing
from ottla.client.consuming.positions import NO_REPLICA, RESETS, Position
from ottla.client.consuming.sessions import BROKEN, FetchSession, wanted_of
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.fetched import Fetched, visible_batches
from ottla.client.offsets import CONSUMER, ISOLATION, TopicPartition
from ottla.client.retry import Patience, backoff_ms
from ottla.client.settings import ConsumerSettings
from ottla.client.view import NO_LEADER
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.messages.fetch import FetchRequest, FetchResponse, PartitionData
from ottla.world.doors import Task

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


class Fetcher:
    """Positions in, batches out. `positions` is the caller's to change: it is read anew before every fetch."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ConsumerSettings,
        placing: Placing,
        positions: dict[TopicPartition, Position],
    ) -> None:
        self.positions = positions
        self._cluster = cluster
        self._settings = settings
        self._placing = placing
        self._clock = cluster.world.clock
        self._lane = cluster.new_lane()
        self._patience = Patience("read")
        self._sessions: dict[int, FetchSession] = {}
        self._fetching: dict[int, Task] = {}
        """Node id -> the fetch under way there."""
        self._holding: set[int] = set()
        """Nodes whose last answer the application has not taken yet."""
        self._arrived: list[tuple[Position, Fetched]] = []
        self._failure: Exception | None = None
        self._bell = Bell(self._clock)
        self._attempts = 0
        self._retry_at = 0
        self._stale: set[str] = set()
        self._side_work: Task | None = None
        """Metadata, offsets by time, epochs: what has to be known before some position can be fetched from."""

    def close(self) -> None:
        for task in (*self._fetching.values(), *((self._side_work,) if self._side_work else ())):
            task.cancel()
        self._fetching.clear()
        self.positions.clear()
        self._cluster.close_lane(self._lane)

    def fail(self, error: Exception) -> None:
        """Let the next `take` raise."""
        self._failure = error
        self.ring()

    # -- what has arrived

    def take(self) -> list[Fetched]:
        """Everything that has arrived for positions that are still wanted. Raises what went wrong meanwhile."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        taken: list[Fetched] = []
        left: list[tuple[Position, Fetched]] = []
        for position, fetched in self._arrived:
            if self.positions.get((position.topic, position.partition)) is not position:
                continue
            if position.offset != fetched.first_offset:
                continue  # it has been told to go elsewhere
            if position.paused:
                left.append((position, fetched))
                continue
            position.offset = fetched.next_offset
            position.epoch = fetched.batches[-1].header.leader_epoch if fetched.batches else position.epoch
            taken.append(fetched)
        self._arrived = left
        self._holding.clear()
        return taken

    def rewind(self, fetched: Fetched) -> Position:
        """Let the application stand before what `take` has just given: it goes on one record at a time."""
        position = self.positions[fetched.topic, fetched.partition]
        position.offset = fetched.first_offset
        return position

    def stands_at(self, position: Position, offset: int) -> bool:
        """Whether a position is still wanted, and where it was left."""
        return (
            position.offset == offset and self.positions.get((position.topic, position.partition)) is position
        )

    async def wait(self, deadline: int) -> None:
        """Until something has arrived or gone wrong, somebody rings, or `deadline` (clock, ms)."""
        now = self._clock.now()
        when = min(deadline, self._retry_at) if self._retry_at > now else deadline
        await self._bell.wait(when)

    def ring(self) -> None:
        self._bell.ring()

    # -- asking

    def launch(self) -> None:
        """Send a fetch to every broker that has none under way and whose last answer was taken."""
        now = self._clock.now()
        if now < self._retry_at:
            return
        waiting = {id(position) for position, _ in self._arrived}
        unplaced: list[Position] = []
        by_node: dict[int, dict[TopicPartition, Position]] = defaultdict(dict)
        for key, position in self.positions.items():
            leader = self._cluster.view.leader(*key)
            if leader == NO_LEADER:
                self._stale.add(position.topic)
            elif self._placing.is_open(position):
                unplaced.append(position)
            elif not position.paused and id(position) not in waiting:
                # What was taken and not worked on, because somebody broke off, is fetched again.
                position.fetch_offset = position.offset
                by_node[self._source(position, leader, now)][key] = position
        if self._stale or unplaced:
            self._do_aside(unplaced)
        for node, positions in by_node.items():
            if node not in self._fetching and node not in self._holding:
                self._fetching[node] = self._clock.spawn(
                    self._fetch(node, positions), name=f"fetch from broker {node}"
                )

    def _source(self, position: Position, leader: int, now: int) -> int:
        """Whom to ask: the leader, or the follower that it has named."""
        if position.replica == NO_REPLICA:
            return leader
        if now >= position.replica_until or position.replica not in self._cluster.view.nodes:
            position.replica = NO_REPLICA
            return leader
        return position.replica

    async def _fetch(self, node: int, planned: dict[TopicPartition, Position]) -> None:
        # A seek may have come between: what has no place any more is asked for when it has one again.
        positions = {key: position for key, position in planned.items() if position.is_known}
        session = self._sessions.setdefault(node, FetchSession())
        settings = self._settings
        try:
            if not positions:
                return
            request = FetchRequest(
                replica_id=CONSUMER,
                max_wait_ms=settings.fetch_max_wait_ms,
                min_bytes=settings.fetch_min_bytes,
                max_bytes=settings.fetch_max_bytes,
                isolation_level=ISOLATION[settings.isolation_level],
                rack_id=settings.client_rack,
            )
            newest = session.fill(
                request, wanted_of(positions, self._cluster.view, settings.max_partition_fetch_bytes)
            )
            asked = {key: (position, position.fetch_offset) for key, position in positions.items()}
            patience = settings.request_timeout_ms + settings.fetch_max_wait_ms
            answer = await self._cluster.on_node(
                node, request, FetchResponse, timeout=patience, newest=newest, lane=self._lane
            )
            if answer.error_code:
                self._session_refused(node, session, error_of(answer.error_code), positions)
                return
            session.answered(answer.session_id)
            if self._take(answer, asked):
                self._holding.add(node)
            self._attempts = 0
            self._patience.worked()
        except (ConnectionFailed, ClientTimeout) as error:
            session.broken()
            for position in positions.values():
                position.replica = NO_REPLICA
            self._later({position.topic for position in positions.values()}, error)
        except (ClientError, KafkaError) as error:
            session.broken()
            self._failure = error
        finally:
            self._fetching.pop(node, None)
            self.ring()

    def _session_refused(
        self, node: int, session: FetchSession, code: ErrorCode, positions: dict[TopicPartition, Position]
    ) -> None:
        session.broken(forget=code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        error = KafkaError(code, f"fetch from broker {node}: {code.sentence}")
        if code in BROKEN or code.retriable:
            self._later({position.topic for position in positions.values()}, error)
        else:
            self._failure = error

    def _take(self, answer: FetchResponse, asked: dict[TopicPartition, tuple[Position, int]]) -> bool:
        """Keep what an answer brought. True when there is something."""
        before = len(self._arrived)
        names = self._cluster.view.names
        for topic in answer.responses:
            name = topic.topic or names.get(topic.topic_id, "")
            for data in topic.partitions:
                key = (name, data.partition_index)
                position, offset = asked.get(key, (None, 0))
                if position is None or self.positions.get(key) is not position:
                    continue
                if position.fetch_offset != offset:
                    continue  # it was sent elsewhere while the answer was on its way
                if data.error_code:
                    self._refused(position, error_of(data.error_code))
                elif data.preferred_read_replica != NO_REPLICA:
                    position.replica = data.preferred_read_replica
                    position.replica_until = self._clock.now() + self._settings.metadata_max_age_ms
                else:
                    self._took(position, data)
        return len(self._arrived) > before

    def _took(self, position: Position, data: PartitionData) -> None:
        """A partition's batches; the next fetch begins behind them."""
        committed = self._settings.isolation_level == "read_committed"
        records = data.records
        assert not hasattr(records, "file"), "an answer from the network is in memory"
        batches, next_offset = visible_batches(
            memoryview(records or b""),  # type: ignore[arg-type]
            position.fetch_offset,
            data.aborted_transactions if committed else None,
            check_crcs=self._settings.check_crcs,
        )
        position.high_watermark = data.high_watermark
        asked = position.fetch_offset
        if not batches and next_offset == asked:
            return
        position.fetch_offset = next_offset
        if batches:
            position.fetch_epoch = batches[-1].header.leader_epoch
        fetched = Fetched(
            position.topic,
            position.partition,
            batches,
            next_offset,
            data.high_watermark,
            data.last_stable_offset,
            data.log_start_offset,
            first_offset=asked,
        )
        self._arrived.append((position, fetched))

    def _refused(self, position: Position, code: ErrorCode) -> None:
        """An error in place of batches: follow the leader, start anew, or tell the application."""
        name = f"{position.topic}-{position.partition}"
        error = KafkaError(code, f"{name} at offset {position.fetch_offset}: {code.sentence}")
        if position.replica != NO_REPLICA:
            position.replica = NO_REPLICA
        elif code == ErrorCode.OFFSET_OUT_OF_RANGE and self._settings.auto_offset_reset in RESETS:
            position.seek(RESETS[self._settings.auto_offset_reset])
        elif code in MOVED:
            self._later({position.topic}, error)
        else:
            self._failure = error

    # -- when something is not where it was

    def _later(self, topics: set[str], error: Exception) -> None:
        """Ask for metadata anew after a pause; give up when that goes on for too long."""
        self._stale |= topics
        self._attempts += 1
        self._patience.failed(self._attempts, error)
        pause = backoff_ms(self._attempts, self._settings, self._cluster.world.chance)
        self._retry_at = self._clock.now() + pause
        if self._attempts * self._settings.retry_backoff_max_ms > self._settings.default_api_timeout_ms:
            self._failure = error
            self._attempts = 0

    def _do_aside(self, unplaced: list[Position]) -> None:
        """Learn what is missing, one thing at a time."""
        if self._side_work is not None:
            return
        topics = set(self._stale)

        async def learn() -> None:
            try:
                if topics:
                    await self._cluster.refresh(topics, create=self._settings.allow_auto_create_topics)
                    self._stale -= topics
                    self._judge(topics)
                else:
                    await self._placing.place(unplaced)
            except (ClientError, KafkaError) as error:
                if isinstance(error, (ConnectionFailed, ClientTimeout)) or (
                    isinstance(error, KafkaError) and error.code.retriable
                ):
                    self._later(topics or {position.topic for position in unplaced}, error)
                else:
                    self._failure = error
            finally:
                self._side_work = None
                self.ring()

        self._side_work = self._clock.spawn(learn(), name="where to fetch from")

    def _judge(self, topics: set[str]) -> None:
        """What fresh metadata say: a topic that is gone, or partitions still without a leader."""
        view = self._cluster.view
        for topic in topics:
            code = view.errors.get(topic)
            leaderless = any(
                view.leader(name, partition) == NO_LEADER
                for name, partition in self.positions
                if name == topic
            )
            if code is not None and not code.retriable:
                self._failure = KafkaError(code, f"topic {topic!r}: {code.sentence}")
            elif code is not None or leaderless:
                sentence = code.sentence if code else "a partition has no leader"
                code = code or ErrorCode.LEADER_NOT_AVAILABLE
                self._later({topic}, KafkaError(code, f"topic {topic!r}: {sentence}"))
