"""How the leader of a classic consumer group shares partitions: range, roundrobin, sticky, cooperative-sticky, or your own.

An assignor is a name and a pure function from subscriptions and partition counts to shares. Range and sticky are the
broker's own ("range" and "uniform" of consumer groups), so that a group shares alike whichever protocol it speaks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec

from ottla.client.groups.subscription import Share, Subscription
from ottla.core.groups.assignors import ranges, uniform
from ottla.core.groups.assignors.spec import Assignor as CoreAssignor
from ottla.core.groups.assignors.spec import Subscriber
from ottla.core.model.ids import Uuid

EAGER: Final = "eager"
"""Before a join everybody gives up everything."""
COOPERATIVE: Final = "cooperative"
"""Everybody keeps what it has, and gives up what the new assignment takes from it (KIP-429)."""


class Assignor(Protocol):
    """A way to share. Members of one group need one in common, by name."""

    @property
    def name(self) -> str: ...

    @property
    def protocol(self) -> str:
        """EAGER or COOPERATIVE."""
        ...

    def assign(
        self, members: Mapping[str, Subscription], partitions: Mapping[str, int]
    ) -> Mapping[str, Share]:
        """Member id -> share. `partitions`: how many each topic has; topics that do not exist are not in it."""
        ...


class Named(msgspec.Struct, frozen=True):
    """An assignor from a function."""

    name: str
    assign: Callable[[Mapping[str, Subscription], Mapping[str, int]], Mapping[str, Share]]
    protocol: str = EAGER


def by_core(
    assign: CoreAssignor, members: Mapping[str, Subscription], partitions: Mapping[str, int]
) -> dict[str, Share]:
    """Shares by one of the broker's assignors, for which names of topics do as well as ids."""
    claims = valid_claims(members, partitions)
    subscribers = {
        member: Subscriber(
            frozenset(key_of(topic) for topic in each.topics if topic in partitions),
            each.group_instance_id,
            {key_of(topic): indexes for topic, indexes in claims[member].items()},
        )
        for member, each in sorted(members.items())
    }
    wanted = frozenset().union(*(each.topics for each in members.values()))
    counts = {key_of(topic): count for topic, count in sorted(partitions.items()) if topic in wanted}
    return {
        member: {topic.decode(): indexes for topic, indexes in share.items()}
        for member, share in assign(subscribers, counts).items()
    }


def key_of(topic: str) -> Uuid:
    return Uuid(topic.encode())


def valid_claims(
    members: Mapping[str, Subscription], partitions: Mapping[str, int]
) -> dict[str, dict[str, frozenset[int]]]:
    """What each member still owns: of two that claim a partition, the one of the later generation is believed,
    and neither, when both are of the same."""
    owner: dict[tuple[str, int], tuple[int, str | None]] = {}
    for member, each in members.items():
        for topic, indexes in each.owned.items():
            for index in indexes:
                generation, _ = owner.get((topic, index), (-2, None))
                if each.generation > generation:
                    owner[topic, index] = (each.generation, member)
                elif each.generation == generation:
                    owner[topic, index] = (generation, None)
    claims: dict[str, dict[str, set[int]]] = {member: defaultdict(set) for member in members}
    for (topic, index), (_, holder) in owner.items():
        if holder is not None and topic in members[holder].topics and index < partitions.get(topic, 0):
            claims[holder][topic].add(index)
    return {
        member: {topic: frozenset(indexes) for topic, indexes in claim.items()}
        for member, claim in claims.items()
    }


def assign_range(members: Mapping[str, Subscription], partitions: Mapping[str, int]) -> dict[str, Share]:
    return by_core(ranges.assign, members, partitions)


def assign_sticky(members: Mapping[str, Subscription], partitions: Mapping[str, int]) -> dict[str, Share]:
    return by_core(uniform.assign, members, partitions)


def assign_cooperatively(
    members: Mapping[str, Subscription], partitions: Mapping[str, int]
) -> dict[str, Share]:
    """As sticky, but what moves is given to nobody yet: its owner learns that it is no longer its own, joins again
    without it, and the next assignment gives it away."""
    claims = valid_claims(members, partitions)
    owner = {
        (topic, index): member
        for member, claim in claims.items()
        for topic, indexes in claim.items()
        for index in indexes
    }
    return {
        member: {
            topic: staying
            for topic, indexes in share.items()
            if (staying := frozenset(i for i in indexes if owner.get((topic, i), member) == member))
        }
        for member, share in assign_sticky(members, partitions).items()
    }


def assign_in_turn(members: Mapping[str, Subscription], partitions: Mapping[str, int]) -> dict[str, Share]:
    """All partitions in order, to the members in turn; one who does not read the topic is passed over."""
    order = sorted(members, key=lambda member: place_of(member, members[member]))
    shares: dict[str, dict[str, set[int]]] = {member: defaultdict(set) for member in order}
    turn = 0
    for topic, count in sorted(partitions.items()):
        if not any(topic in members[member].topics for member in order):
            continue
        for index in range(count):
            while topic not in members[order[turn % len(order)]].topics:
                turn += 1
            shares[order[turn % len(order)]][topic].add(index)
            turn += 1
    return {
        member: {topic: frozenset(indexes) for topic, indexes in share.items()}
        for member, share in shares.items()
    }


def place_of(member: str, told: Subscription) -> tuple[bool, str]:
    """Static members come first, by their own names, so that the order outlives their restarts."""
    return told.group_instance_id is None, told.group_instance_id or member


RANGE: Final = Named("range", assign_range)
ROUND_ROBIN: Final = Named("roundrobin", assign_in_turn)
STICKY: Final = Named("sticky", assign_sticky)
COOPERATIVE_STICKY: Final = Named("cooperative-sticky", assign_cooperatively, COOPERATIVE)

ASSIGNORS: Final[Mapping[str, Assignor]] = {
    each.name: each for each in (RANGE, ROUND_ROBIN, STICKY, COOPERATIVE_STICKY)
}

JAVA_NAMES: Final = {
    "org.apache.kafka.clients.consumer.RangeAssignor": "range",
    "org.apache.kafka.clients.consumer.RoundRobinAssignor": "roundrobin",
    "org.apache.kafka.clients.consumer.StickyAssignor": "sticky",
    "org.apache.kafka.clients.consumer.CooperativeStickyAssignor": "cooperative-sticky",
}
"""How partition.assignment.strategy names them for Java clients."""
