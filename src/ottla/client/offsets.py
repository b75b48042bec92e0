"""Offsets by what one means: the start, the end, the first record at or after a time (ListOffsets)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from ottla.client.cluster import Cluster
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.model.ids import NO_OFFSET
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)

TopicPartition: TypeAlias = "tuple[str, int]"

LATEST: Final = -1
EARLIEST: Final = -2
MAX_TIMESTAMP: Final = -3

ISOLATION: Final = {"read_uncommitted": 0, "read_committed": 1}
CONSUMER: Final = -1
"""The replica id of somebody who is no replica."""


class FoundOffset(msgspec.Struct, frozen=True):
    """An answer. `offset` and `timestamp` are -1 when no record is that young."""

    offset: int
    timestamp: int
    leader_epoch: int


async def list_offsets(
    cluster: Cluster, wanted: Mapping[TopicPartition, int], *, timeout: int | None = None
) -> dict[TopicPartition, FoundOffset]:
    """Offsets by timestamp in ms, or LATEST, EARLIEST, MAX_TIMESTAMP; leaders that moved are followed.

    Raises KafkaError for a partition that is refused or missing, NoBroker, ClientTimeout.
    """
    found: dict[TopicPartition, FoundOffset] = {}

    async def attempt() -> None:
        by_leader: dict[int, list[TopicPartition]] = defaultdict(list)
        for topic, partition in wanted:
            if (topic, partition) not in found:
                by_leader[await cluster.leader(topic, partition)].append((topic, partition))
        try:
            for leader, partitions in by_leader.items():
                answer = await cluster.on_node(
                    leader, list_offsets_request(cluster, wanted, partitions), ListOffsetsResponse
                )
                take(answer, found)
        except KafkaError:
            await cluster.refresh({topic for topic, _ in wanted})
            raise

    await cluster.retrying(attempt, timeout=timeout)
    return found


async def end_offsets(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Where each partition ends: the high watermark, or the last stable offset for read_committed."""
    found = await list_offsets(cluster, dict.fromkeys(partitions, LATEST))
    return {partition: each.offset for partition, each in found.items()}


async def start_offsets(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The oldest offset that each partition still holds."""
    found = await list_offsets(cluster, dict.fromkeys(partitions, EARLIEST))
    return {partition: each.offset for partition, each in found.items()}


def list_offsets_request(
    cluster: Cluster, wanted: Mapping[TopicPartition, int], partitions: list[TopicPartition]
) -> ListOffsetsRequest:
    topics: dict[str, ListOffsetsTopic] = {}
    for topic, partition in partitions:
        each = topics.setdefault(topic, ListOffsetsTopic(name=topic, partitions=[]))
        each.partitions.append(
            ListOffsetsPartition(partition_index=partition, timestamp=wanted[topic, partition])
        )
    settings = cluster.settings
    return ListOffsetsRequest(
        replica_id=CONSUMER,
        isolation_level=ISOLATION[settings.isolation_level],
        topics=list(topics.values()),
        timeout_ms=settings.request_timeout_ms,
    )


def take(answer: ListOffsetsResponse, found: dict[TopicPartition, FoundOffset]) -> None:
    """Keep what was found. Raises KafkaError for the first partition that was refused."""
    refused: KafkaError | None = None
    for topic in answer.topics:
        for partition in topic.partitions:
            if partition.error_code:
                code = error_of(partition.error_code)
                refused = KafkaError(code, f"{topic.name}-{partition.partition_index}: {code.sentence}")
                continue
            found[topic.name, partition.partition_index] = FoundOffset(
                partition.offset, partition.timestamp, partition.leader_epoch
            )
    if refused is not None:
        raise refused


def or_end(found: FoundOffset, end: int) -> int:
    """The offset found, or the end where no record is that young."""
    return end if found.offset == NO_OFFSET else found.offset
