"""Offsets by what one means: the start, the end, the first record at or after a time (ListOffsets)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from ottla.client.by_leader import from_leaders
from ottla.client.cluster import Cluster
from ottla.client.opening import Lease
from ottla.client.settings import ConsumerSettings
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
    cluster: Cluster,
    wanted: Mapping[TopicPartition, int],
    *,
    isolation_level: str | None = None,
    timeout: int | None = None,
) -> dict[TopicPartition, FoundOffset]:
    """Offsets by timestamp in ms, or LATEST, EARLIEST, MAX_TIMESTAMP; leaders that moved are followed.

    `isolation_level` None: what the cluster's client was set to, read_uncommitted when it is no consumer.

    Raises KafkaError for a partition that is refused or missing, NoBroker, ClientTimeout.
    """
    found: dict[TopicPartition, FoundOffset] = {}
    each = await list_offsets_each(cluster, wanted, isolation_level=isolation_level, timeout=timeout)
    for partition, offset in each.items():
        if isinstance(offset, KafkaError):
            raise offset
        found[partition] = offset
    return found


async def list_offsets_each(
    cluster: Cluster,
    wanted: Mapping[TopicPartition, int],
    *,
    isolation_level: str | None = None,
    timeout: int | None = None,
    patient: bool = True,
) -> dict[TopicPartition, FoundOffset | KafkaError]:
    """As `list_offsets`, a refusal beside its partition. `patient`: a topic that is missing is awaited.

    Raises NoBroker, ConnectionFailed, ClientTimeout.
    """
    level = isolation_level or Lease(ConsumerSettings, cluster).settings.isolation_level

    async def ask(
        leader: int, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, FoundOffset | KafkaError]:
        request = list_offsets_request(cluster, wanted, partitions, level)
        return found_offsets(await cluster.on_node(leader, request, ListOffsetsResponse))

    return await from_leaders(cluster, wanted, ask, timeout=timeout, patient=patient)


async def end_offsets(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Where each partition ends: the high watermark, or the last stable offset for read_committed."""
    found = await list_offsets(cluster, dict.fromkeys(partitions, LATEST))
    return {partition: each.offset for partition, each in found.items()}


async def start_offsets(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The oldest offset that each partition still holds."""
    found = await list_offsets(cluster, dict.fromkeys(partitions, EARLIEST))
    return {partition: each.offset for partition, each in found.items()}


def list_offsets_request(
    cluster: Cluster,
    wanted: Mapping[TopicPartition, int],
    partitions: list[TopicPartition],
    isolation_level: str,
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
        isolation_level=ISOLATION[isolation_level],
        topics=list(topics.values()),
        timeout_ms=settings.request_timeout_ms,
    )


def found_offsets(answer: ListOffsetsResponse) -> dict[TopicPartition, FoundOffset | KafkaError]:
    found: dict[TopicPartition, FoundOffset | KafkaError] = {}
    for topic in answer.topics:
        for part in topic.partitions:
            code = error_of(part.error_code)
            found[topic.name, part.partition_index] = (
                KafkaError(code, f"{topic.name}-{part.partition_index}: {code.sentence}")
                if part.error_code
                else FoundOffset(part.offset, part.timestamp, part.leader_epoch)
            )
    return found


def or_end(found: FoundOffset, end: int) -> int:
    """The offset found, or the end where no record is that young."""
    return end if found.offset == NO_OFFSET else found.offset
