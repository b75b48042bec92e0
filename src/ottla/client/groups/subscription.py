"""What consumers put into the bytes of a classic group: subscription and assignment.

version int16, then the message in that version    (a version that is newer than ours is read as ours)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct
from typing import Final, TypeAlias, TypeVar

import msgspec

from ottla.core.wire.codec import DecodeError, decode_from, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolAssignmentTopicPartition,
    ConsumerProtocolSubscription,
    ConsumerProtocolSubscriptionTopicPartition,
)

BodyT = TypeVar("BodyT", bound=Body)

Share: TypeAlias = "Mapping[str, frozenset[int]]"
"""Topic -> partitions. A topic without partitions is not in it."""

VERSION: Final = Struct(">h")
NEWEST: Final = 3


class Subscription(msgspec.Struct, frozen=True):
    """What a member reads, and what it has: `owned` is its claim from generation `generation` (-1: unknown)."""

    topics: frozenset[str]
    owned: Share = {}
    generation: int = -1
    rack: str | None = None
    group_instance_id: str | None = None


def subscription_bytes(
    topics: Iterable[str], owned: Share, generation: int, rack: str | None, user_data: bytes | None = None
) -> bytes:
    told = ConsumerProtocolSubscription(
        topics=sorted(topics),
        user_data=user_data,
        owned_partitions=[
            ConsumerProtocolSubscriptionTopicPartition(topic, sorted(owned[topic])) for topic in sorted(owned)
        ],
        generation_id=generation,
        rack_id=rack,
    )
    return VERSION.pack(NEWEST) + encode(told, NEWEST)


def read_subscription(data: bytes, group_instance_id: str | None = None) -> Subscription:
    """What a member wants. Raises DecodeError."""
    told = decoded(ConsumerProtocolSubscription, data)
    return Subscription(
        frozenset(told.topics),
        {each.topic: frozenset(each.partitions) for each in told.owned_partitions if each.partitions},
        told.generation_id,
        told.rack_id,
        group_instance_id,
    )


def assignment_bytes(share: Share) -> bytes:
    given = ConsumerProtocolAssignment(
        assigned_partitions=[
            ConsumerProtocolAssignmentTopicPartition(topic, sorted(share[topic]))
            for topic in sorted(share)
            if share[topic]
        ]
    )
    return VERSION.pack(NEWEST) + encode(given, NEWEST)


def read_assignment(data: bytes) -> dict[str, frozenset[int]]:
    """What a member was given; nothing, when there are no bytes. Raises DecodeError."""
    if not data:
        return {}
    given = decoded(ConsumerProtocolAssignment, data)
    return {each.topic: frozenset(each.partitions) for each in given.assigned_partitions if each.partitions}


def decoded(cls: type[BodyT], data: bytes) -> BodyT:
    if len(data) < VERSION.size:
        raise DecodeError(f"{cls.__name__} has {len(data)} bytes, too few for its version")
    version: int = VERSION.unpack_from(data)[0]
    if version < 0:
        raise DecodeError(f"version {version} of {cls.__name__} does not exist")
    return decode_from(cls, data, min(version, NEWEST), VERSION.size)[0]
