"""Finding a place before the first fetch from it: the committed offset, an offset by time, or the same offset on a new branch.

A new leader may not have what the old one had: the log was cut back to what both shared, and grew on differently.
Whoever followed the lost branch asks where the epoch of its last record ends on this one (KIP-320): an end before
its own place means that it has read records which are gone.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from ottla.client.cluster import Cluster
from ottla.client.consuming.positions import RESETS, Position
from ottla.client.offsets import CONSUMER, LATEST, TopicPartition, list_offsets, or_end
from ottla.client.settings import ConsumerSettings
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET
from ottla.core.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)

log = logging.getLogger("ottla.client")

Committed: TypeAlias = (
    "Callable[[Iterable[TopicPartition]], Awaitable[dict[TopicPartition, tuple[int, int]]]]"
)
"""Partitions -> (offset, leader epoch) as their group has committed them; those it has not are left out."""


class Truncated(KafkaError):
    """Records that were read are no longer in the log, and auto.offset.reset=none. `offset`: where it parted."""

    def __init__(self, topic: str, partition: int, read_to: int, offset: int) -> None:
        super().__init__(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"{topic}-{partition} was read up to offset {read_to}, but the log was cut back to {offset}",
        )
        self.offset = offset


class Placing:
    """Places positions that cannot be fetched from yet."""

    def __init__(self, cluster: Cluster, settings: ConsumerSettings, committed: Committed) -> None:
        self._cluster = cluster
        self._settings = settings
        self._committed = committed

    def is_open(self, position: Position) -> bool:
        """Whether there is a question to be asked before the next fetch."""
        if not position.is_known:
            return True
        epoch = self._leader_epoch(position)
        if position.fetch_epoch == NO_EPOCH:
            position.checked_epoch = epoch
        return epoch > position.checked_epoch

    def _leader_epoch(self, position: Position) -> int:
        topic = self._cluster.view.topics.get(position.topic)
        known = topic.partitions.get(position.partition) if topic else None
        return known.leader_epoch if known else NO_EPOCH

    async def place(self, positions: list[Position]) -> None:
        """Answer what is open. Raises KafkaError (NO_OFFSET… as OFFSET_OUT_OF_RANGE, Truncated), ClientError."""
        await self._from_group([position for position in positions if position.wants_committed])
        await self._by_time([position for position in positions if position.reset is not None])
        await self._validate([position for position in positions if position.is_known])

    async def _from_group(self, positions: list[Position]) -> None:
        if not positions:
            return
        found = await self._committed([(each.topic, each.partition) for each in positions])
        for position in positions:
            if not position.wants_committed:
                continue  # the application has said meanwhile where to go
            if (position.topic, position.partition) in found:
                position.move(*found[position.topic, position.partition])
                continue
            reset = RESETS.get(self._settings.auto_offset_reset)
            if reset is None:
                raise KafkaError(
                    ErrorCode.OFFSET_OUT_OF_RANGE,
                    f"{position.topic}-{position.partition} has no committed offset, and auto.offset.reset=none",
                )
            position.seek(reset)

    async def _by_time(self, positions: list[Position]) -> None:
        wanted = {(each.topic, each.partition): each.reset for each in positions if each.reset is not None}
        if not wanted:
            return
        level = self._settings.isolation_level
        found = await list_offsets(self._cluster, wanted, isolation_level=level)
        young = [key for key, each in found.items() if each.offset == NO_OFFSET]
        ends = (
            await list_offsets(self._cluster, dict.fromkeys(young, LATEST), isolation_level=level)
            if young
            else {}
        )
        for position in positions:
            key = (position.topic, position.partition)
            if position.reset != wanted[key]:
                continue
            end = ends[key].offset if key in ends else NO_OFFSET
            position.move(or_end(found[key], end))
            log.debug("reset partition=%s-%d offset=%d", *key, position.offset)

    async def _validate(self, positions: list[Position]) -> None:
        by_leader: dict[int, list[Position]] = defaultdict(list)
        for position in positions:
            if self.is_open(position):
                leader = await self._cluster.leader(position.topic, position.partition)
                by_leader[leader].append(position)
        for leader, each in by_leader.items():
            epochs = {id(position): self._leader_epoch(position) for position in each}
            answer = await self._cluster.on_node(leader, self._question(each), OffsetForLeaderEpochResponse)
            ends = {
                (topic.topic, part.partition): part for topic in answer.topics for part in topic.partitions
            }
            for position in each:
                end = ends[position.topic, position.partition]
                if end.error_code:
                    raise KafkaError(error_of(end.error_code), f"{position.topic}-{position.partition}")
                self._judge(position, end.leader_epoch, end.end_offset, epochs[id(position)])

    def _question(self, positions: list[Position]) -> OffsetForLeaderEpochRequest:
        topics: dict[str, OffsetForLeaderTopic] = {}
        for position in positions:
            topic = topics.get(position.topic)
            if topic is None:
                topic = topics[position.topic] = OffsetForLeaderTopic(topic=position.topic, partitions=[])
            topic.partitions.append(
                OffsetForLeaderPartition(
                    position.partition, self._leader_epoch(position), position.fetch_epoch
                )
            )
        return OffsetForLeaderEpochRequest(replica_id=CONSUMER, topics=list(topics.values()))

    def _judge(self, position: Position, epoch: int, end_offset: int, leader_epoch: int) -> None:
        """Whether the place still lies on the leader's branch."""
        position.checked_epoch = leader_epoch
        unknown = epoch == NO_EPOCH or end_offset == NO_OFFSET
        if not unknown and end_offset >= position.fetch_offset:
            return
        reset = RESETS.get(self._settings.auto_offset_reset)
        read_to = position.fetch_offset
        log.warning(
            "log was cut back under its reader: partition=%s-%d read_to=%d common_to=%d",
            position.topic,
            position.partition,
            read_to,
            end_offset,
        )
        if reset is None:
            raise Truncated(position.topic, position.partition, read_to, end_offset)
        if unknown:
            position.seek(reset)
        else:
            position.move(end_offset)
            position.checked_epoch = leader_epoch
