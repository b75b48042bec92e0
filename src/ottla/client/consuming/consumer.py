"""The consumer: topics in, records or whole batches out, alone or as a member of a group.

    async with Consumer("orders", group_id="billing", bootstrap_servers="localhost:9092") as consumer:
        async for record in consumer:
            ...

    async for batch in consumer.batches():      # columns: batch.offsets, batch.keys, batch.values, …
    for fetched in await consumer.poll(500):    # batches as they lie in the log

Everything the application was handed counts as done when it asks for more: that is what auto-commit commits, and
what is committed before a partition goes to somebody else. `commit` counts what is in hand as done, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final

from ottla.client.cluster import Cluster
from ottla.client.consuming.classic import ClassicMembership
from ottla.client.consuming.committing import Committed
from ottla.client.consuming.fetcher import Fetcher
from ottla.client.consuming.handing import Batch, each_batch, each_record, taken_back
from ottla.client.consuming.holdings import Holdings
from ottla.client.consuming.listener import RebalanceListener
from ottla.client.consuming.modern import ModernMembership
from ottla.client.consuming.placing import Placing
from ottla.client.consuming.positions import Position
from ottla.client.consuming.progress import Membership, Progress
from ottla.client.consuming.records import ConsumerRecord, Reading
from ottla.client.consuming.subscribing import NotSubscribed, Subscribed
from ottla.client.errors import ClientClosed
from ottla.client.fetched import Fetched
from ottla.client.groups.assignors import ASSIGNORS, JAVA_NAMES, Assignor
from ottla.client.groups.owner import Generation
from ottla.client.offsets import EARLIEST, LATEST, TopicPartition
from ottla.client.opening import Lease
from ottla.client.serialization import Deserializes, deserializing
from ottla.client.settings import ConsumerSettings, SettingRefused
from ottla.core.model.ids import NO_OFFSET

FOREVER_MS: Final = 3_600_000
"""How long an iteration waits in one go. It then waits again."""


class Consumer:
    """Reads topics. Used by one task at a time. Offsets are `int`s, times ms since 1970, waits ms."""

    def __init__(
        self,
        *topics: str,
        cluster: Cluster | None = None,
        properties: Mapping[str, object] | None = None,
        listener: RebalanceListener | None = None,
        assignors: Sequence[Assignor] = (),
        key_deserializer: Deserializes | None = None,
        value_deserializer: Deserializes | None = None,
        **settings: object,
    ) -> None:
        """`topics` are subscribed to when the consumer opens. `assignors`: own ones, in place of
        partition.assignment.strategy. Deserializers work on records and columns; `poll` gives batches as they are.
        Raises SettingRefused."""
        self._lease = Lease(ConsumerSettings, cluster, properties, settings)
        self.settings = self._lease.settings
        self._assignors = tuple(assignors) or named_assignors(self.settings.partition_assignment_strategy)
        self._reading = Reading(deserializing(key_deserializer), deserializing(value_deserializer))
        self._topics = topics
        self._listener = listener or RebalanceListener()
        self._fetcher: Fetcher | None = None
        self._closed = False

    async def __aenter__(self) -> Consumer:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, and subscribe to the topics named at construction. Raises NoBroker."""
        cluster = await self._lease.open()
        settings = self.settings
        self._cluster = cluster
        self._clock = cluster.world.clock
        positions: dict[TopicPartition, Position] = {}
        self._progress = Progress(cluster, settings, positions)
        self._placing = Placing(cluster, settings, self._progress.places)
        self._fetcher = Fetcher(cluster, settings, self._placing, positions)
        self._holdings = Holdings(
            self._clock, self._fetcher, self._progress.before_giving_up, settings.max_poll_interval_ms
        )
        self._holdings.listener = self._listener
        if self._topics:
            self.subscribe(*self._topics)

    async def close(self) -> None:
        """Commit (with auto-commit), leave the group, and close what is the consumer's own."""
        if self._closed or self._fetcher is None:
            return
        try:
            if self._progress.membership is None:
                await self._progress.before_giving_up()
            await self.unsubscribe()
        finally:
            self._closed = True
            self._progress.close()
            self._fetcher.close()
            self._lease.close()

    # -- what to read

    def subscribe(
        self, *topics: str, pattern: str | None = None, listener: RebalanceListener | None = None
    ) -> None:
        """Read topics as a member of the group: named ones, or all that match a pattern (RE2, the whole name).

        Raises NotSubscribed without a group id, or after `assign`; KafkaError for a pattern that is none.
        """
        fetcher = self._opened()
        if self.settings.group_id is None:
            raise NotSubscribed("a subscription needs a group: set group_id, or assign partitions")
        if bool(topics) == (pattern is not None):
            raise NotSubscribed("subscribe to topics or to a pattern, one of the two")
        if listener is not None:
            self._holdings.listener = listener
        subscribed = Subscribed(topics, pattern, with_internal=not self.settings.exclude_internal_topics)
        if self._progress.membership is not None:
            self._progress.membership.subscribe(subscribed)
            return
        if fetcher.positions:
            raise NotSubscribed("partitions are assigned by hand: unassign them first, with assign([])")
        membership = self._new_membership(subscribed)
        self._progress.membership = membership
        membership.start()

    def _new_membership(self, subscribed: Subscribed) -> Membership:
        common = (self._cluster, self.settings, self._holdings)
        fail = self._opened().fail
        if self.settings.group_protocol == "consumer":
            return ModernMembership(*common, subscribed, fail)
        return ClassicMembership(*common, self._assignors, subscribed, fail)

    async def unsubscribe(self) -> None:
        """Leave the group, or drop what was assigned."""
        fetcher = self._opened()
        membership = self._progress.membership
        if membership is not None:
            membership.stop()
            try:
                await self._holdings.revoke(self._holdings.partitions)
            finally:
                self._progress.membership = None
                await membership.close()
        fetcher.positions.clear()

    def assign(self, partitions: Iterable[TopicPartition] | Mapping[TopicPartition, int]) -> None:
        """Read these partitions and no others, without a membership; a mapping says from which offsets.

        Without offsets it begins where the group has committed, or, without a group or a commit, by
        auto.offset.reset. Raises NotSubscribed after `subscribe`.
        """
        fetcher = self._opened()
        if self._progress.membership is not None:
            raise NotSubscribed("the group assigns the partitions: unsubscribe first")
        offsets = partitions if isinstance(partitions, Mapping) else {}
        before = dict(fetcher.positions)
        fetcher.positions.clear()
        for topic, partition in partitions:
            key = (topic, partition)
            if key in offsets:
                position = Position(topic, partition)
                position.move(offsets[key])
            else:
                position = before.get(key) or Position(topic, partition, wants_committed=True)
            fetcher.positions[key] = position

    @property
    def is_open(self) -> bool:
        return self._fetcher is not None and not self._closed

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions this consumer reads now."""
        return frozenset(self._opened().positions)

    @property
    def generation(self) -> Generation | None:
        """The membership, for a producer that commits offsets in a transaction; None without one."""
        return self._progress.generation if self.is_open else None

    # -- where to read

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Go on from `offset`. Raises NotSubscribed for a partition that is not ours."""
        self._position(topic, partition).move(offset)

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Go on from the oldest record; of all partitions, when none is named."""
        self._seek_all(partitions, EARLIEST)

    def seek_to_end(self, *partitions: TopicPartition) -> None:
        """Go on with what comes from now on."""
        self._seek_all(partitions, LATEST)

    def seek_to_time(self, timestamp: int, *partitions: TopicPartition) -> None:
        """Go on from the first record at or after a time; from the end, where none is that young."""
        self._seek_all(partitions, timestamp)

    def _seek_all(self, partitions: Sequence[TopicPartition], where: int) -> None:
        for topic, partition in partitions or list(self._opened().positions):
            self._position(topic, partition).seek(where)

    def pause(self, *partitions: TopicPartition) -> None:
        """Hand out nothing of these until `resume`."""
        for topic, partition in partitions:
            self._position(topic, partition).paused = True

    def resume(self, *partitions: TopicPartition) -> None:
        for topic, partition in partitions:
            self._position(topic, partition).paused = False
        self._opened().ring()

    @property
    def paused(self) -> frozenset[TopicPartition]:
        return frozenset(key for key, position in self._opened().positions.items() if position.paused)

    async def position(self, topic: str, partition: int) -> int:
        """The offset of the next record to be handed out, looked up if need be."""
        position = self._position(topic, partition)
        while position.offset == NO_OFFSET:
            await self._cluster.topic(topic)
            await self._cluster.retrying(lambda: self._placing.place([position]))
        return position.offset

    def _position(self, topic: str, partition: int) -> Position:
        found = self._opened().positions.get((topic, partition))
        if found is None:
            raise NotSubscribed(f"{topic}-{partition} is not assigned to this consumer")
        return found

    # -- reading

    async def poll(self, max_wait: int) -> list[Fetched]:
        """Whole batches, as they lie in the log, waiting up to `max_wait` ms for the first. Empty when nothing came.

        Rebalances happen in here, and may make it a little longer. Raises KafkaError for a partition that cannot be
        read on, whatever a rebalance listener raised, NoBroker and ClientTimeout when the cluster stays away for
        longer than default.api.timeout.ms.
        """
        fetcher, holdings = self._opened(), self._holdings
        deadline = self._clock.now() + max_wait
        self._progress.by_the_clock()
        holdings.enter()
        try:
            while True:
                taken = [] if holdings.turning else fetcher.take()
                fetcher.launch()
                if taken:
                    await self._sent(taken)
                    return taken
                if not holdings.turning and self._clock.now() >= deadline:
                    return []
                await fetcher.wait(deadline if not holdings.turning else self._clock.now() + FOREVER_MS)
        finally:
            holdings.leave()

    async def _sent(self, taken: list[Fetched]) -> None:
        """Let the next fetches leave, so that brokers answer while the application works on what was taken."""
        self._holdings.leave()  # no partition changes hands any more
        try:
            await self._clock.sleep(0)
        except BaseException:
            taken_back(self._opened(), taken)  # nobody was given it
            raise

    def __aiter__(self) -> AsyncIterator[ConsumerRecord]:
        """Records, one at a time, for ever."""
        return each_record(self, self._opened(), self._holdings, self._reading)

    def batches(self) -> AsyncIterator[Batch]:
        """A partition's records at a time as columns, for ever."""
        return each_batch(self, self._opened(), self._holdings, self._reading)

    async def yield_turn(self) -> None:
        """Let a rebalance that waits for us happen now, between two records."""
        holdings = self._holdings
        holdings.enter()
        try:
            while holdings.wanted:
                await self._opened().wait(self._clock.now() + FOREVER_MS)
        finally:
            holdings.leave()

    def _opened(self) -> Fetcher:
        if self._closed:
            raise ClientClosed("the consumer is closed")
        if self._fetcher is None:
            self._lease.cluster  # noqa: B018 (raises NotOpen)
            raise ClientClosed("the consumer was not opened")
        return self._fetcher

    # -- committing

    async def commit(self, offsets: Mapping[TopicPartition, int | Committed] | None = None) -> None:
        """Store how far the group has read: everything handed out, or these offsets (of the next record to read).

        Raises CommitRefused when the group has rebalanced meanwhile, NotSubscribed without a group id, KafkaError,
        ClientError.
        """
        self._opened()
        await self._progress.commit(offsets)

    async def committed(self, *partitions: TopicPartition) -> dict[TopicPartition, Committed | None]:
        """What the group has stored, None where nothing; of all partitions of ours, when none is named."""
        wanted = partitions or tuple(self._opened().positions)
        found = await self._progress.fetch(wanted)
        return {partition: found.get(partition) for partition in wanted}


def named_assignors(names: Iterable[str]) -> tuple[Assignor, ...]:
    """Assignors by name, ours or Java's class names. Raises SettingRefused."""
    found = []
    for name in names:
        assignor = ASSIGNORS.get(JAVA_NAMES.get(name, name))
        if assignor is None:
            raise SettingRefused(
                f"partition.assignment.strategy: no assignor is called {name!r}",
                f"known are {', '.join(ASSIGNORS)}; hand in one of your own with assignors=[…].",
            )
        found.append(assignor)
    return tuple(found)
