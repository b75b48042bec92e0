"""The simple assignor of share groups: every partition to about as many members as every other.

With fewer members than partitions each partition has one member; with more, several share it. First comes balance, then
that members keep what they have. When all members read the same topics the partitions of all topics are dealt out
together, else those of each topic among its readers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from ottla.core.groups.share.group import Assignment
from ottla.core.model.ids import Uuid

Place: TypeAlias = "tuple[Uuid, int]"


def assign(
    readers: Mapping[str, frozenset[Uuid]],
    partitions: Mapping[Uuid, frozenset[int]],
    before: Mapping[str, Assignment],
) -> dict[str, Assignment]:
    """Member → what it is to have.

    `readers`: the topics each member reads; `partitions`: those that may be assigned; `before`: what was assigned last.
    """
    topics = set().union(*readers.values()) if readers else set()
    held = {
        member: {(topic, index) for topic, indexes in before.get(member, {}).items() for index in indexes}
        for member in readers
    }
    dealt: dict[str, set[Place]] = {member: set() for member in readers}
    together = len(set(readers.values())) == 1
    for group in [sorted(topics)] if together else [[topic] for topic in sorted(topics)]:
        places = [(topic, index) for topic in group for index in sorted(partitions.get(topic, ()))]
        members = [member for member, topics_read in readers.items() if topics_read.issuperset(group)]
        for member, share in _deal(members, places, held).items():
            dealt[member] |= share
    return {member: _by_topic(share) for member, share in dealt.items()}


def _deal(
    members: Sequence[str], places: Sequence[Place], held: Mapping[str, set[Place]]
) -> dict[str, set[Place]]:
    if not members or not places:
        return {}
    sharing = -(-len(members) // len(places))
    total = sharing * len(places)
    wanted = {
        member: -(-total * (number + 1) // len(members)) - -(-total * number // len(members))
        for number, member in enumerate(members)
    }
    dealt: dict[str, set[Place]] = {member: set() for member in members}
    count = dict.fromkeys(places, 0)
    for member in members:
        for place in sorted(held[member] & count.keys()):
            if len(dealt[member]) < wanted[member] and count[place] < sharing:
                dealt[member].add(place)
                count[place] += 1
    hungry = deque(member for member in members if len(dealt[member]) < wanted[member])
    for place in places:
        _feed(place, sharing - count[place], hungry, dealt, wanted)
    return dealt


def _feed(
    place: Place, portions: int, hungry: deque[str], dealt: dict[str, set[Place]], wanted: Mapping[str, int]
) -> None:
    """Give a partition to so many more members, in turn. Who has it already is passed over: then it goes to fewer."""
    for _ in range(len(hungry)):
        if portions == 0:
            return
        member = hungry.popleft()
        if place not in dealt[member]:
            dealt[member].add(place)
            portions -= 1
        if len(dealt[member]) < wanted[member]:
            hungry.append(member)


def _by_topic(places: Iterable[Place]) -> Assignment:
    found: dict[Uuid, set[int]] = {}
    for topic, index in sorted(places):
        found.setdefault(topic, set()).add(index)
    return {topic: frozenset(indexes) for topic, indexes in found.items()}
