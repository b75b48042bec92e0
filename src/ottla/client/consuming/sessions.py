"""Fetch sessions (KIP-227): the broker remembers what is wanted, so a request names only what has changed.

    epoch 0      a full request: everything that is wanted; the broker opens a session, if it has room for one
    epoch 1, 2…  changes alone: partitions that are new or stand elsewhere now, and those that are forgotten

A broker that has dropped the session says so, and the next request is a full one again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from ottla.client.consuming.positions import Position
from ottla.client.offsets import TopicPartition
from ottla.client.view import ClusterView
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import NO_EPOCH, ZERO_UUID, Uuid
from ottla.core.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic

Wanted: TypeAlias = "Mapping[TopicPartition, tuple[Uuid, FetchPartition]]"

NEWEST_BY_NAME: Final = 12
"""The last version of Fetch that names topics; later ones carry ids alone."""

FULL: Final = 0
NO_SESSION: Final = 0
LAST_EPOCH: Final = 2**31 - 1

BROKEN: Final = frozenset(
    {
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
        ErrorCode.INCONSISTENT_TOPIC_ID,
    }
)
"""Errors of a whole fetch that end its session, and nothing else."""


class FetchSession:
    """What one broker remembers of one consumer."""

    def __init__(self) -> None:
        self.id = NO_SESSION
        self.epoch = FULL
        self._by_id = False
        self._told: dict[TopicPartition, tuple[Uuid, FetchPartition]] = {}

    def fill(self, request: FetchRequest, wanted: Wanted) -> int | None:
        """Put what is wanted into a request, which is then to be sent. Returns the newest version it may have."""
        by_id = all(topic_id != ZERO_UUID for topic_id, _ in wanted.values())
        if by_id != self._by_id:
            self._by_id = by_id
            self.epoch = FULL
        if self.epoch == FULL:
            self._told = {}
        request.session_id, request.session_epoch = self.id, self.epoch
        gone = [
            (topic, partition, topic_id)
            for (topic, partition), (topic_id, _) in self._told.items()
            if wanted.get((topic, partition), (None,))[0] != topic_id
        ]
        news = {key: each for key, each in wanted.items() if self._told.get(key) != each}
        request.forgotten_topics_data = forgotten(gone)
        request.topics = topics_of(news)
        self._told = dict(wanted)
        return None if by_id else NEWEST_BY_NAME

    def answered(self, session_id: int) -> None:
        """The request was served, and this is the session now: 0 when the broker keeps none."""
        self.id = session_id
        if session_id == NO_SESSION:
            self.epoch = FULL
        else:
            self.epoch = 1 if self.epoch == LAST_EPOCH else self.epoch + 1

    def broken(self, *, forget: bool = False) -> None:
        """Begin anew with a full request; the broker closes the old session by its id, unless it has forgotten it."""
        self.epoch = FULL
        if forget:
            self.id = NO_SESSION


def wanted_of(positions: Mapping[TopicPartition, Position], view: ClusterView, max_bytes: int) -> Wanted:
    """What positions want, in the words of a request."""
    wanted: dict[TopicPartition, tuple[Uuid, FetchPartition]] = {}
    for key, position in positions.items():
        topic = view.topics.get(position.topic)
        known = topic.partitions.get(position.partition) if topic else None
        partition = FetchPartition(
            partition=position.partition,
            current_leader_epoch=known.leader_epoch if known else NO_EPOCH,
            fetch_offset=position.fetch_offset,
            partition_max_bytes=max_bytes,
        )
        wanted[key] = (topic.id if topic else ZERO_UUID, partition)
    return wanted


def topics_of(wanted: Wanted) -> list[FetchTopic]:
    topics: dict[str, FetchTopic] = {}
    for (name, _), (topic_id, partition) in wanted.items():
        topic = topics.get(name)
        if topic is None:
            topic = topics[name] = FetchTopic(topic=name, topic_id=topic_id, partitions=[])
        topic.partitions.append(partition)
    return list(topics.values())


def forgotten(gone: list[tuple[str, int, Uuid]]) -> list[ForgottenTopic]:
    topics: dict[tuple[str, Uuid], ForgottenTopic] = {}
    for name, partition, topic_id in gone:
        topic = topics.get((name, topic_id))
        if topic is None:
            topic = topics[name, topic_id] = ForgottenTopic(topic=name, topic_id=topic_id, partitions=[])
        topic.partitions.append(partition)
    return list(topics.values())
