"""What clients of the classic protocol put into the bytes that a classic group only hands on: subscription and assignment.

    version int16, then the message in that version    (a version that is newer than ours is read as ours)

A consumer group has classic members too, so the broker has to read and write what used to be the clients' own business.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, TypeVar

from ottla.core.coordination.contract import Topics
from ottla.core.groups.assignors.spec import Assignment
from ottla.core.wire.codec import DecodeError, decode_from, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolAssignmentTopicPartition,
    ConsumerProtocolSubscription,
)

_VERSION: Final = Struct(">h")
_NEWEST: Final = 3

BodyT = TypeVar("BodyT", bound=Body)


def version_of(data: bytes) -> int:
    """In which version to answer somebody who said this. Raises DecodeError."""
    if len(data) < _VERSION.size:
        raise DecodeError(f"what a consumer said has {len(data)} bytes, too few for its version")
    version: int = _VERSION.unpack_from(data)[0]
    if version < 0:
        raise DecodeError(f"version {version} of the consumer protocol does not exist")
    return min(version, _NEWEST)


def subscription(data: bytes) -> ConsumerProtocolSubscription:
    """What a member wants. Raises DecodeError."""
    return _read(ConsumerProtocolSubscription, data)


def assignment(data: bytes) -> ConsumerProtocolAssignment:
    """What a member was given; nothing for one that was given nothing yet. Raises DecodeError."""
    return _read(ConsumerProtocolAssignment, data) if data else ConsumerProtocolAssignment()


def _read(cls: type[BodyT], data: bytes) -> BodyT:
    return decode_from(cls, data, version_of(data), _VERSION.size)[0]


def assignment_bytes(share: Assignment, topics: Topics, version: int) -> bytes:
    """The share, as a member reads it. Topics that are gone are left out."""
    named = [(topic.name, share[topic_id]) for topic_id in share if (topic := topics.with_id(topic_id))]
    value = ConsumerProtocolAssignment(
        assigned_partitions=[
            ConsumerProtocolAssignmentTopicPartition(topic=name, partitions=sorted(partitions))
            for name, partitions in sorted(named)
        ]
    )
    return _VERSION.pack(version) + encode(value, version)


def owned(told: ConsumerProtocolSubscription, topics: Topics) -> Assignment:
    """What a member says it has, by topic id."""
    return {
        topic.id: frozenset(each.partitions)
        for each in told.owned_partitions
        if (topic := topics.named(each.topic)) is not None
    }


def given(told: ConsumerProtocolAssignment, topics: Topics) -> Assignment:
    """What a member was given, by topic id."""
    return {
        topic.id: frozenset(each.partitions)
        for each in told.assigned_partitions
        if each.partitions and (topic := topics.named(each.topic)) is not None
    }
