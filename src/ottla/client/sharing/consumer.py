"""The share consumer: records of a share group, each to one member at a time, until somebody says that it is done.

    async with ShareConsumer("orders", group_id="packers", bootstrap_servers="localhost:9092") as consumer:
        async for record in consumer:          # done when the next one is asked for
            ...

    consumer = ShareConsumer("orders", group_id="packers", share_acknowledgement_mode="explicit")
    for record in await consumer.poll(500):
        consumer.acknowledge(record, AcknowledgeType.RELEASE)
    results = await consumer.commit()

A record is ours while its lock lasts (`share.record.lock.duration.ms` of the group); afterwards it is delivered again. So
what waited here for too long is passed over.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Final, TypeAlias

from ottla.client.cluster import Cluster
from ottla.client.consuming.subscribing import NotSubscribed
from ottla.client.errors import ClientClosed, ClientError
from ottla.client.offsets import TopicPartition
from ottla.client.opening import Lease
from ottla.client.serialization import Deserializes, SerializationError, deserializing
from ottla.client.settings import SettingRefused, ShareConsumerSettings
from ottla.client.sharing.fetcher import Arrival, ShareFetcher, Told
from ottla.client.sharing.membership import ShareMembership
from ottla.client.sharing.records import ShareRecord
from ottla.core.partition.sharing.values import AcknowledgeType

log = logging.getLogger("ottla.client")

WAIT_MS: Final = 60_000
"""How long an iteration waits in one go. It then waits again."""
UNSENT_MS: Final = 1_000
"""What was said of records goes to the broker no later than so, while the application goes on."""

Key: TypeAlias = "tuple[str, int, int]"
"""Topic, partition, offset."""


class NotAcknowledged(ClientError):
    """More records were asked for before something was said of all that were handed out."""

    hint = "acknowledge every record, or use share_acknowledgement_mode='implicit'."


class NotInHand(ClientError):
    """A record that was not handed out by this consumer, or of which the last word was said."""

    hint = "acknowledge a record once, after it came and before the consumer is closed."


class ShareConsumer:
    """A member of a share group. Used by one task at a time. Waits are in ms."""

    def __init__(
        self,
        *topics: str,
        cluster: Cluster | None = None,
        properties: Mapping[str, object] | None = None,
        key_deserializer: Deserializes | None = None,
        value_deserializer: Deserializes | None = None,
        on_acknowledged: Told | None = None,
        **settings: object,
    ) -> None:
        """`topics` are subscribed to when the consumer opens. `on_acknowledged(partition, offsets, error)` hears what became
        of acknowledgements. Raises SettingRefused."""
        self._lease = Lease(ShareConsumerSettings, cluster, properties, settings)
        self.settings = self._lease.settings
        if not self.settings.group_id:
            raise SettingRefused("a share consumer needs a group", "set group_id.")
        self._topics = topics
        self._told = on_acknowledged
        self._key = deserializing(key_deserializer)
        self._value = deserializing(value_deserializer)
        self._explicit = self.settings.share_acknowledgement_mode == "explicit"
        self._unread: deque[Arrival] = deque()
        self._hand: dict[Key, Arrival] = {}
        """Handed out, and nothing said of it yet."""
        self._renewed: dict[Key, Arrival] = {}
        """Handed out, and the application wants to keep it for longer."""
        self._fetcher: ShareFetcher | None = None
        self._closed = False

    async def __aenter__(self) -> ShareConsumer:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._hand.clear()  # it was at work on one of them: somebody is to try again
        await self.close()

    async def open(self) -> None:
        """Connect, and subscribe to the topics named at construction. Raises NoBroker."""
        assert self.settings.group_id is not None
        cluster = await self._lease.open()
        self._clock = cluster.world.clock
        self._membership = ShareMembership(
            cluster, self.settings, self.settings.group_id, self._ring, self._failed
        )
        self._fetcher = ShareFetcher(
            cluster, self.settings, self.settings.group_id, self._membership, self._told
        )
        if self._topics:
            self.subscribe(*self._topics)

    async def close(self) -> None:
        """Have heard what was said (implicit: that all is done that was handed out), give back the rest, leave the group."""
        if self._closed or self._fetcher is None:
            return
        if not self._explicit:
            self._accept_hand()
        self._closed = True
        try:
            await self._fetcher.close()
            await self._membership.close()
        finally:
            self._lease.close()

    # -- what to read

    def subscribe(self, *topics: str) -> None:
        """Read these topics, in place of those before. Raises NotSubscribed for none."""
        self._opened()
        if not topics:
            raise NotSubscribed("subscribe to one topic at least; close() ends the membership")
        self._membership.subscribe(topics)

    @property
    def subscription(self) -> tuple[str, ...]:
        self._opened()
        return self._membership.topics

    @property
    def acquisition_lock_timeout_ms(self) -> int | None:
        """How long records stay ours, None before the first answer."""
        return self._opened().lock_ms

    # -- reading

    async def poll(self, max_wait: int) -> list[ShareRecord]:
        """Records, about max.poll.records of each broker, waiting up to `max_wait` ms for the first. Empty when none came.

        Implicit: whatever was handed out before counts as done. Explicit: raises NotAcknowledged unless something was said
        of each. Raises KafkaError, ClientError when reading cannot go on, SerializationError for a record that does not fit
        its deserializer; that one is released.
        """
        fetcher = self._finished()
        self._clear_expired()
        if not self._unread:
            await self._fill(fetcher, max_wait)
        else:
            fetcher.hurry(0)
        records: list[ShareRecord] = []
        while self._unread:
            try:
                records.append(self._hand_out())
            except SerializationError:
                if not records:
                    raise
                break  # those before it first; it is told with the next call
        return records

    async def __aiter__(self) -> AsyncIterator[ShareRecord]:
        """Records, one at a time, for ever."""
        while True:
            fetcher = self._finished()
            fetcher.hurry(UNSENT_MS)
            self._clear_expired()
            while not self._unread:
                await self._fill(fetcher, WAIT_MS)
            yield self._hand_out()

    async def _fill(self, fetcher: ShareFetcher, max_wait: int) -> None:
        deadline = self._clock.now() + max_wait
        while True:
            self._membership.polled()
            self._unread += fetcher.take()
            if self._unread:
                return
            fetcher.launch()
            if self._clock.now() >= deadline:
                return
            await fetcher.wait(deadline)

    def _clear_expired(self) -> None:
        """Let go of what waited here until its lock ended: it is somebody else's by now."""
        now = self._clock.now()
        passed = 0
        while self._unread and self._unread[0].until <= now:
            self._unread.popleft()
            passed += 1
        if passed:
            log.warning("the locks of %d records ended before they were handed out", passed)

    def _hand_out(self) -> ShareRecord:
        """The next record. Raises SerializationError, and releases it, unless others were handed out in the same breath."""
        arrival = self._unread[0]
        raw, topic = arrival.record, arrival.topic
        try:
            record = ShareRecord(
                topic,
                arrival.share[1],
                raw.offset,
                raw.timestamp,
                raw.key if raw.key is None or self._key is None else self._key(topic, raw.key),
                raw.value if raw.value is None or self._value is None else self._value(topic, raw.value),
                tuple(raw.headers),
                arrival.delivery_count,
            )
        except SerializationError:
            if not self._hand:
                self._unread.popleft()
                self._opened().say(arrival, AcknowledgeType.RELEASE)
            raise
        self._unread.popleft()
        self._hand[topic, record.partition, record.offset] = arrival
        return record

    # -- what became of records

    def acknowledge(self, record: ShareRecord, kind: AcknowledgeType = AcknowledgeType.ACCEPT) -> None:
        """Say what became of a record: ACCEPT it, RELEASE it for another attempt, REJECT it for good, or RENEW its lock and say
        more later. Sent with the next poll or commit. Raises NotInHand; ValueError with implicit acknowledgement."""
        fetcher = self._opened()
        if not self._explicit:
            raise ValueError(
                "records are acknowledged by themselves: set share_acknowledgement_mode='explicit'"
            )
        if kind == AcknowledgeType.GAP:
            raise ValueError("GAP is said of records that are not there, never of one that was handed out")
        key = (record.topic, record.partition, record.offset)
        arrival = self._hand.pop(key, None) or self._renewed.pop(key, None)
        if arrival is None:
            raise NotInHand(f"{record.topic}-{record.partition} offset {record.offset} is not in hand")
        if kind == AcknowledgeType.RENEW:
            self._renewed[key] = arrival
        fetcher.say(arrival, AcknowledgeType(kind))

    async def commit(self) -> dict[TopicPartition, Exception | None]:
        """Have the brokers hear what was said, with implicit acknowledgement that all is done that was handed out.

        What became of it, by partition: None, or why it does not count (INVALID_RECORD_STATE: the lock had ended).
        """
        fetcher = self._opened()
        self._membership.polled()
        if not self._explicit:
            self._accept_hand()
        return await fetcher.commit()

    def _accept_hand(self) -> None:
        fetcher = self._opened()
        for arrival in self._hand.values():
            fetcher.say(arrival, AcknowledgeType.ACCEPT)
        self._hand.clear()

    def _finished(self) -> ShareFetcher:
        """The application asks for more. Raises NotAcknowledged."""
        fetcher = self._opened()
        if not self._explicit:
            self._accept_hand()
        elif self._hand:
            topic, partition, offset = next(iter(self._hand))
            raise NotAcknowledged(
                f"{len(self._hand)} records wait for a word, the first is {topic}-{partition} offset {offset}"
            )
        return fetcher

    # -- what others tell

    def _ring(self) -> None:
        if self._fetcher is not None:
            self._fetcher.ring()

    def _failed(self, error: Exception) -> None:
        if self._fetcher is not None:
            self._fetcher.fail(error)

    def _opened(self) -> ShareFetcher:
        if self._closed:
            raise ClientClosed("the share consumer is closed")
        if self._fetcher is None:
            self._lease.cluster  # noqa: B018 (raises NotOpen)
            raise ClientClosed("the share consumer was not opened")
        return self._fetcher
