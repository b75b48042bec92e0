"""Which share partitions of a group have stored state at the share coordinators, and which are on the way there or away.

    not there ── begin ──> initializing ── done ──> initialized ── delete ──> deleting ── deleted ──> not there

A member is assigned initialized partitions only. What is on the way is written down before the share coordinators are asked,
so that whoever takes over knows what may have been left half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ottla.core.coordination.contract import Topics
from ottla.core.model.ids import Uuid

UNKNOWN_NAME: Final = "<UNKNOWN>"
"""What a topic is called in records that is gone already."""


class TopicShare(NamedTuple):
    """Partitions of one topic."""

    name: str
    partitions: frozenset[int]


class StatePartitions(NamedTuple):
    """By topic id. A value: changes make another one."""

    initializing: Mapping[Uuid, TopicShare]
    initialized: Mapping[Uuid, TopicShare]
    deleting: frozenset[Uuid]

    def missing(self, topics: Topics, names: Iterable[str], *, retry: bool) -> dict[Uuid, TopicShare]:
        """Partitions of these topics whose state is still to be begun. With `retry` what has been initializing for too
        long is begun again."""
        found: dict[Uuid, TopicShare] = {}
        for name in names:
            topic = topics.named(name)
            if topic is None:
                continue
            known = _partitions(self.initialized, topic.id)
            if len(known) < topic.partitions and not retry:
                known |= _partitions(self.initializing, topic.id)
            if len(known) < topic.partitions:
                found[topic.id] = TopicShare(name, frozenset(range(topic.partitions)) - known)
        return found

    def begin(self, shares: Mapping[Uuid, TopicShare]) -> StatePartitions:
        """What begins is not being deleted any more."""
        return self._replace(
            initializing=_united(self.initializing, shares), deleting=self.deleting - shares.keys()
        )

    def done(self, shares: Mapping[Uuid, TopicShare]) -> StatePartitions:
        return self._replace(
            initializing=_without(self.initializing, shares), initialized=_united(self.initialized, shares)
        )

    def failed(self, shares: Mapping[Uuid, TopicShare]) -> StatePartitions:
        return self._replace(initializing=_without(self.initializing, shares))

    def delete(self, topic_ids: Iterable[Uuid]) -> StatePartitions:
        """The state of initialized topics is about to be deleted."""
        going = frozenset(topic_ids)
        rest = {each: share for each, share in self.initialized.items() if each not in going}
        return self._replace(initialized=rest, deleting=self.deleting | going)

    def deleted(self, topic_ids: Iterable[Uuid]) -> StatePartitions:
        return self._replace(deleting=self.deleting - frozenset(topic_ids))

    def delete_all(self, topics: Topics) -> tuple[StatePartitions, dict[Uuid, TopicShare]]:
        """Everything goes: (what is left, what the share coordinators have to delete). Deletions of before that were not
        completed are tried again, unless their topics are gone."""
        going = _united(self.initialized, self.initializing)
        for topic_id in self.deleting:
            topic = topics.with_id(topic_id)
            if topic is not None:
                again = TopicShare(topic.name, frozenset(range(topic.partitions)))
                going = _united(going, {topic_id: again})
        return StatePartitions({}, {}, frozenset(going)), going

    def without(self, topic_ids: frozenset[Uuid]) -> StatePartitions:
        """Topics are gone, and their state has gone with them."""
        return StatePartitions(
            {each: share for each, share in self.initializing.items() if each not in topic_ids},
            {each: share for each, share in self.initialized.items() if each not in topic_ids},
            self.deleting - topic_ids,
        )

    @property
    def topic_ids(self) -> frozenset[Uuid]:
        return frozenset((*self.initializing, *self.initialized, *self.deleting))


NONE: Final = StatePartitions({}, {}, frozenset())


def _partitions(shares: Mapping[Uuid, TopicShare], topic_id: Uuid) -> frozenset[int]:
    share = shares.get(topic_id)
    return frozenset() if share is None else share.partitions


def _united(left: Mapping[Uuid, TopicShare], right: Mapping[Uuid, TopicShare]) -> dict[Uuid, TopicShare]:
    united = dict(left)
    for topic_id, share in right.items():
        united[topic_id] = share._replace(partitions=share.partitions | _partitions(left, topic_id))
    return united


def _without(left: Mapping[Uuid, TopicShare], right: Mapping[Uuid, TopicShare]) -> dict[Uuid, TopicShare]:
    rest: dict[Uuid, TopicShare] = {}
    for topic_id, share in left.items():
        partitions = share.partitions - _partitions(right, topic_id)
        if partitions:
            rest[topic_id] = share._replace(partitions=partitions)
    return rest
