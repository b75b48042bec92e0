"""Records for a share consumer, and what it says of them on its way back (KIP-932).

    acknowledgements ride on the next fetch from the broker that gave the records
                     go alone when the application commits, takes its time, or renews locks

Each broker has one request at a time. A session that broke takes its locks along: what was said of its records is told
with an error, and they are delivered again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from ottla.client.bell import Bell
from ottla.client.cluster import Cluster
from ottla.client.consuming.fetcher import MOVED
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed, NoSuchBroker
from ottla.client.offsets import TopicPartition
from ottla.client.retry import Patience, backoff_ms
from ottla.client.settings import ShareConsumerSettings
from ottla.client.sharing.acknowledging import Said, Share, Unsent
from ottla.client.sharing.membership import ShareMembership
from ottla.client.sharing.node import ShareNode
from ottla.client.sharing.records import acquired
from ottla.client.sharing.sessions import BROKEN
from ottla.client.view import NO_LEADER
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.partition.sharing.values import AcknowledgeType
from ottla.core.records.record import Record
from ottla.core.wire.messages.share_fetch import PartitionData, ShareFetchResponse
from ottla.world.doors import Task

log = logging.getLogger("ottla.client")

Told: TypeAlias = "Callable[[TopicPartition, list[int], Exception | None], None]"
"""(partition, offsets of records, why they were not taken): what became of acknowledgements."""


class Arrival(msgspec.Struct):
    """A record that is ours until `until` (clock, ms)."""

    node: int
    share: Share
    topic: str
    record: Record
    delivery_count: int
    until: int


class ShareFetcher:
    """Assignment in, records out, acknowledgements back."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ShareConsumerSettings,
        group_id: str,
        membership: ShareMembership,
        told: Told | None,
    ) -> None:
        self.lock_ms: int | None = None
        """How long records are ours, as the last answer said; None before the first."""
        self._cluster = cluster
        self._settings = settings
        self._group_id = group_id
        self._membership = membership
        self._told = told
        self._clock = cluster.world.clock
        self._bell = Bell(self._clock)
        self._lane = cluster.new_lane()
        self._nodes: dict[int, ShareNode] = {}
        self._names: dict[Share, str] = {}
        """Of whatever was asked for: an assignment may be gone before its records are acknowledged."""
        self._unsent = Unsent()
        self._arrived: list[Arrival] = []
        self._results: dict[TopicPartition, Exception | None] = {}
        self._fetching: dict[int, Task] = {}
        self._errands: dict[int, Task] = {}
        """Node id -> acknowledgements under way there alone."""
        self._patience = Patience("read shared records")
        self._failure: Exception | None = None
        self._stale: set[str] = set()
        self._refreshing: Task | None = None
        self._attempts = 0
        self._retry_at = 0

    async def close(self) -> None:
        """Have heard what was said, and give back the rest."""
        for task in (*self._fetching.values(), *((self._refreshing,) if self._refreshing else ())):
            task.cancel()
        for node_id, node in self._nodes.items():
            async with node:
                await node.acknowledge(self._unsent.take(node_id), closing=True)
        self._cluster.close_lane(self._lane)

    # -- what has arrived

    def take(self) -> list[Arrival]:
        """Everything that has arrived. Raises what went wrong meanwhile."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        taken, self._arrived = self._arrived, []
        return taken

    def fail(self, error: Exception) -> None:
        """Let the next `take` raise."""
        self._failure = error
        self._bell.ring()

    def ring(self) -> None:
        self._bell.ring()

    async def wait(self, deadline: int) -> None:
        """Until something has arrived or gone wrong, or `deadline` (clock, ms)."""
        await self._bell.wait(
            min(deadline, self._retry_at) if self._retry_at > self._clock.now() else deadline
        )

    # -- what is said of it

    def say(self, arrival: Arrival, kind: AcknowledgeType) -> None:
        self._unsent.of(arrival.node, arrival.share, self._clock.now()).say(arrival.record.offset, kind)

    def hurry(self, unsent_ms: int) -> None:
        """Send what was said so long ago, without waiting for a fetch to take it along."""
        since = self._unsent.since
        if since is not None and self._clock.now() - since >= unsent_ms:
            self._send_all()

    async def commit(self) -> dict[TopicPartition, Exception | None]:
        """Have everything heard that was said; what became of it, by partition."""
        self._results = {}
        self._send_all()
        while self._errands:
            await next(iter(self._errands.values()))
            self._send_all()
        for node in list(self._nodes.values()):
            if node.unheard:
                async with node:
                    pass  # what a fetch took along is answered by now
        return self._results

    def _send_all(self) -> None:
        for node_id in self._unsent.nodes:
            if node_id not in self._errands:
                self._errands[node_id] = self._clock.spawn(
                    self._errand(node_id), name=f"acknowledge to broker {node_id}"
                )

    async def _errand(self, node_id: int) -> None:
        try:
            async with self._node(node_id) as node:
                await node.acknowledge(self._unsent.take(node_id))
        finally:
            del self._errands[node_id]

    def _heard(self, share: Share, said: Said, error: Exception | None) -> None:
        offsets = said.offsets
        if not offsets:
            return  # nothing of the application's: what could not be read, or is not there
        partition = (self._names[share], share[1])
        self._results[partition] = error or self._results.get(partition)
        if self._told is not None:
            self._told(partition, offsets, error)
        elif error is not None:
            log.warning("acknowledgements of %s-%d were not taken: %s", *partition, error)

    # -- asking

    def launch(self) -> None:
        """Send a fetch to every broker that leads something of ours and has none under way."""
        if self._clock.now() < self._retry_at:
            return
        by_node: dict[int, set[Share]] = defaultdict(set)
        for share, topic in self._membership.partitions.items():
            self._names[share] = topic
            leader = self._cluster.view.leader(topic, share[1])
            if leader == NO_LEADER:
                self._stale.add(topic)
            else:
                by_node[leader].add(share)
        if self._stale and self._refreshing is None:
            self._refreshing = self._clock.spawn(self._refresh(set(self._stale)), name="share leaders")
        for node_id, wanted in by_node.items():
            if node_id not in self._fetching:
                self._fetching[node_id] = self._clock.spawn(
                    self._fetch(node_id, frozenset(wanted)), name=f"share fetch from broker {node_id}"
                )
        if any(node_id not in by_node for node_id in self._unsent.nodes):
            self._send_all()  # its partitions have moved away, what we hold of them has not

    def _node(self, node_id: int) -> ShareNode:
        found = self._nodes.get(node_id)
        if found is None:
            who = (self._group_id, self._membership.member_id)
            found = ShareNode(self._cluster, self._settings, node_id, self._lane, who, self._heard)
            self._nodes[node_id] = found
        return found

    async def _fetch(self, node_id: int, wanted: frozenset[Share]) -> None:
        topics = {self._names[share] for share in wanted}
        try:
            async with self._node(node_id) as node:
                answer = await node.fetch(wanted, self._unsent.take(node_id))
            self._take(node_id, answer)
            if not self._stale:
                self._attempts = 0
                self._patience.worked()
        except (ConnectionFailed, ClientTimeout, NoSuchBroker) as error:
            self._later(topics, error)
        except KafkaError as error:
            if error.code in BROKEN or error.code.retriable:
                self._later(topics, error)
            else:
                self._failure = error
        except ClientError as error:
            self._failure = error
        finally:
            self._fetching.pop(node_id, None)
            self._bell.ring()

    def _take(self, node_id: int, answer: ShareFetchResponse) -> None:
        self.lock_ms = answer.acquisition_lock_timeout_ms
        for topic in answer.responses:
            for data in topic.partitions:
                share = (topic.topic_id, data.partition_index)
                if share not in self._names:
                    continue
                if data.error_code:
                    self._refused(share, data)
                elif data.acquired_records:
                    self._took(node_id, share, data, self._clock.now() + self.lock_ms)

    def _took(self, node_id: int, share: Share, data: PartitionData, until: int) -> None:
        assert not hasattr(data.records, "file"), "an answer from the network is in memory"
        said = self._unsent.of(node_id, share, self._clock.now())
        try:
            found = acquired(
                memoryview(data.records or b""),  # type: ignore[arg-type]
                data.acquired_records,
                check_crcs=self._settings.check_crcs,
            )
        except KafkaError as error:
            # As in Kafka's client: whoever gets them cannot read them either.
            for each in data.acquired_records:
                said.say_all(each.first_offset, each.last_offset, AcknowledgeType.REJECT)
            self._failure = error
            return
        for first, last in found.gaps:
            said.say_all(first, last, AcknowledgeType.GAP)
        name = self._names[share]
        self._arrived += (
            Arrival(node_id, share, name, record, count, until) for record, count in found.records
        )

    def _refused(self, share: Share, data: PartitionData) -> None:
        code, name = error_of(data.error_code), self._names[share]
        error = KafkaError(code, f"{name}-{share[1]}: {data.error_message or code.sentence}")
        if code in MOVED or code.retriable:
            self._later({name}, error)
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

    async def _refresh(self, topics: set[str]) -> None:
        try:
            await self._cluster.refresh(topics)
            self._stale -= topics
            view = self._cluster.view
            for share, topic in self._membership.partitions.items():
                if topic in topics and view.leader(topic, share[1]) == NO_LEADER:
                    code = view.errors.get(topic)
                    told = code.sentence if code else "it has no leader"
                    self._later({topic}, ClientTimeout(f"{topic}-{share[1]}: {told}"))
                    break
        except (ClientError, KafkaError) as error:
            self._later(topics, error)
        finally:
            self._refreshing = None
            self._bell.ring()
