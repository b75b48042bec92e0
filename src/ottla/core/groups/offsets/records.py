"""The records of committed offsets: made here, and applied here."""

from __future__ import annotations

from ottla.core.coordination.contract import Moment, Producer, Record
from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.groups.offsets.table import Committed, Place
from ottla.core.groups.state import State
from ottla.core.wire.messages.records.offsets import OffsetCommitKey, OffsetCommitValue

WITH_EXPIRY = 1
"""The only version of the value that carries an expiry of its own."""
NEWEST = 4


def committed(place: Place, offset: Committed) -> Record:
    group, topic, partition = place
    value = OffsetCommitValue(
        offset=offset.offset,
        leader_epoch=offset.leader_epoch,
        metadata=offset.metadata,
        commit_timestamp=offset.commit_timestamp,
        expire_timestamp=offset.expire_timestamp,
        topic_id=offset.topic_id,
    )
    version = NEWEST if offset.expire_timestamp < 0 else WITH_EXPIRY
    return Record(OffsetCommitKey(group=group, topic=topic, partition=partition), value, version)


def forgotten(place: Place) -> Record:
    group, topic, partition = place
    return Record(OffsetCommitKey(group=group, topic=topic, partition=partition), None)


def apply(
    state: State,
    moment: Moment,
    key: OffsetCommitKey,
    value: OffsetCommitValue | None,
    producer: Producer | None,
) -> None:
    place = (key.group, key.topic, key.partition)
    if value is None:
        state.offsets.remove(place)
        return
    if key.group not in state.groups:
        # Offsets without members: an empty classic group with no protocol, as Kafka keeps them.
        state.groups[key.group] = ClassicGroup(key.group)
    offset = Committed(
        value.offset,
        value.leader_epoch,
        value.metadata,
        value.commit_timestamp,
        value.expire_timestamp,
        value.topic_id,
    )
    state.offsets.put(place, offset, None if producer is None else producer.id)
