"""Fetch requests, without a fetch session: each names every partition it wants."""

from __future__ import annotations

from typing import Final

import msgspec

from ottla.client.offsets import CONSUMER, ISOLATION
from ottla.client.settings import ClientSettings
from ottla.client.view import ClusterView
from ottla.core.model.ids import NO_EPOCH, ZERO_UUID
from ottla.core.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic

NEWEST_BY_NAME: Final = 12
"""The last version that names topics; later ones carry ids alone."""

NO_SESSION: Final = (0, -1)


class Position(msgspec.Struct):
    """Where a reader stands in a partition."""

    topic: str
    partition: int
    offset: int
    high_watermark: int = -1


def fetch_request(settings: ClientSettings, view: ClusterView, positions: list[Position]) -> FetchRequest:
    """A request for partitions of one leader."""
    topics: dict[str, FetchTopic] = {}
    for position in positions:
        known = view.topics.get(position.topic)
        topic = topics.get(position.topic)
        if topic is None:
            topic = topics[position.topic] = FetchTopic(
                topic=position.topic, topic_id=known.id if known else ZERO_UUID, partitions=[]
            )
        described = known.partitions.get(position.partition) if known else None
        topic.partitions.append(
            FetchPartition(
                partition=position.partition,
                current_leader_epoch=described.leader_epoch if described else NO_EPOCH,
                fetch_offset=position.offset,
                partition_max_bytes=settings.max_partition_fetch_bytes,
            )
        )
    session_id, session_epoch = NO_SESSION
    return FetchRequest(
        replica_id=CONSUMER,
        max_wait_ms=settings.fetch_max_wait_ms,
        min_bytes=settings.fetch_min_bytes,
        max_bytes=settings.fetch_max_bytes,
        isolation_level=ISOLATION[settings.isolation_level],
        session_id=session_id,
        session_epoch=session_epoch,
        topics=list(topics.values()),
        rack_id=settings.client_rack,
    )


def has_ids(view: ClusterView, positions: list[Position]) -> bool:
    """Whether every topic has an id, as the newest versions of Fetch need."""
    known = [view.topics.get(position.topic) for position in positions]
    return all(topic is not None and topic.id != ZERO_UUID for topic in known)
