"""What an assignor is given, and what it gives back.

An assignor shares partitions among members. It is a pure function: who subscribes to what, how many partitions each topic
has, what everybody was meant to have until now. What the members do have at this moment is no business of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from ottla.core.model.ids import Uuid

Assignment: TypeAlias = "Mapping[Uuid, frozenset[int]]"
"""Topic id → partitions. A topic without partitions is not in it."""

NO_PARTITIONS: Final[Assignment] = {}


class Subscriber(NamedTuple):
    """A member: the topics it reads (only such that exist), its name for itself if it is static, and its target so far."""

    topics: frozenset[Uuid]
    instance_id: str | None = None
    target: Assignment = NO_PARTITIONS


Members: TypeAlias = "Mapping[str, Subscriber]"
Partitions: TypeAlias = "Mapping[Uuid, int]"
"""Topic id → how many partitions it has, for every topic that somebody reads."""

Assignor: TypeAlias = Callable[[Members, Partitions], dict[str, Assignment]]
"""Every member has an entry in the answer."""


def frozen(shares: Mapping[str, Mapping[Uuid, set[int]]]) -> dict[str, Assignment]:
    """The answer, once nobody changes it any more."""
    return {
        member: {topic: frozenset(each) for topic, each in share.items() if each}
        for member, share in shares.items()
    }


def kept(members: Members, partitions: Partitions) -> dict[str, dict[Uuid, set[int]]]:
    """What each member was meant to have and may still have. Should two claim a partition, the first has it."""
    taken: dict[Uuid, set[int]] = {topic: set() for topic in partitions}
    shares: dict[str, dict[Uuid, set[int]]] = {}
    for member, subscriber in members.items():
        share = shares[member] = {}
        for topic, indexes in subscriber.target.items():
            if topic in subscriber.topics:
                mine = {index for index in indexes if index < partitions[topic]} - taken[topic]
                taken[topic] |= mine
                share[topic] = mine
    return shares
