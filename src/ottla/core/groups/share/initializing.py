"""Share partitions get their state: the group coordinator writes down what it begins, asks the share coordinators, and
writes down what came of it. Only then members are assigned them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ottla.core.coordination.contract import NOTHING, Call, Decision, Moment, Record
from ottla.core.groups.share import records
from ottla.core.groups.share.group import ShareGroup
from ottla.core.groups.share.partitions import StatePartitions, TopicShare
from ottla.core.groups.state import State
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid

INITIALIZE: Final = "initialize share state"
"""The call; its body is a `ShareStates`, its answer `Outcomes`."""
DELETE: Final = "delete share state"
UNINITIALIZED: Final = -1

Place = tuple[Uuid, int]


class ShareStates(NamedTuple):
    """The state of share partitions of a group, to be begun or deleted. `offsets`: where they begin (-1: the first
    leader decides). `waiting` is for who made the call."""

    group: str
    epoch: int
    shares: Mapping[Uuid, TopicShare]
    offsets: Mapping[Place, int]
    waiting: object = None


Outcomes = Mapping[Place, KafkaError | None]
"""What became of every share partition."""


class Begun(NamedTuple):
    record: Record
    call: Call


def begin(
    state: State, moment: Moment, group: ShareGroup, epoch: int, topics: frozenset[str]
) -> Begun | None:
    """Begin the state of what members read and has none."""
    patience: int = state.settings["group.share.initialize.retry.interval.ms"]
    known = group.state_partitions
    retry = moment.now - group.initializing_since >= patience
    missing = known.missing(state.topics, sorted(topics), retry=retry)
    if not missing:
        return None
    wanted = ShareStates(group.name, epoch, missing, {})
    return Begun(
        records.state_partitions(group.name, known.begin(missing), state.topics), Call(INITIALIZE, wanted)
    )


def initialized(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    """The share coordinators have answered."""
    group = state.groups.get(wanted.group)
    if not isinstance(group, ShareGroup):
        return NOTHING  # deleted meanwhile
    error = next((each for each in answer.values() if each is not None), None)
    notes = [] if error is None else [f"State of share group={group.name} could not be initialized: {error}"]
    after = settled(group.state_partitions, wanted, answer)
    return Decision([records.state_partitions(group.name, after, state.topics)], notes=notes)


def settled(known: StatePartitions, wanted: ShareStates, answer: Outcomes) -> StatePartitions:
    """What was begun has state, or has not and is to be begun again."""
    begun = {
        topic_id: share._replace(
            partitions=frozenset(each for each in share.partitions if answer.get((topic_id, each)) is None)
        )
        for topic_id, share in wanted.shares.items()
    }
    done = {topic_id: share for topic_id, share in begun.items() if share.partitions}
    return known.done(done).failed(wanted.shares)
