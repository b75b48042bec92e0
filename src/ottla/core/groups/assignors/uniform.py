"""The assignor "uniform": everybody gets as many partitions as the others, and keeps what it had where that allows it.

When all members read the same topics, the fair share is known beforehand: the total divided by the members, and one more
for some. Nobody has to give up anything but what exceeds it. When they read different topics there is no such number;
then partitions are moved from the fullest reader of a topic to the emptiest until that helps no more.
"""

from __future__ import annotations

import heapq
from typing import Final

from ottla.core.groups.assignors.spec import Assignment, Members, Partitions, frozen, kept
from ottla.core.model.ids import Uuid

ROUNDS_MAX: Final = 16
"""Rounds over all topics before an imbalance that remains is let be: overlapping subscriptions may converge slowly."""


def assign(members: Members, partitions: Partitions) -> dict[str, Assignment]:
    if not members:
        return {}
    if len({subscriber.topics for subscriber in members.values()}) == 1:
        return _assign_same(members, partitions)
    return _Mixed(members, partitions).assign()


# -- all read the same


def _assign_same(members: Members, partitions: Partitions) -> dict[str, Assignment]:
    shares = kept(members, partitions)
    size, extra = divmod(sum(partitions.values()), len(members))
    free = _untaken(shares, partitions)
    room: list[tuple[str, int]] = []
    for member, share in shares.items():
        held = sum(map(len, share.values()))
        allowed = size
        if held > size and extra:
            allowed += 1
            extra -= 1
        if held > allowed:
            free += _given_up(share, held - allowed)
        room.append((member, max(allowed - held, 0)))
    supply = iter(free)
    for member, wanted in room:
        share = shares[member]
        full = sum(map(len, share.values())) + wanted > size
        if extra and not full:
            wanted += 1
            extra -= 1
        for _, (topic, index) in zip(range(wanted), supply, strict=False):
            share.setdefault(topic, set()).add(index)
    return frozen(shares)


def _untaken(shares: dict[str, dict[Uuid, set[int]]], partitions: Partitions) -> list[tuple[Uuid, int]]:
    taken: dict[Uuid, set[int]] = {}
    for share in shares.values():
        for topic, indexes in share.items():
            taken.setdefault(topic, set()).update(indexes)
    return [
        (topic, index)
        for topic, count in partitions.items()
        for index in range(count)
        if index not in taken.get(topic, ())
    ]


def _given_up(share: dict[Uuid, set[int]], count: int) -> list[tuple[Uuid, int]]:
    """Take `count` partitions from a share: the last ones of its last topics."""
    taken: list[tuple[Uuid, int]] = []
    for topic in reversed(list(share)):
        for index in sorted(share[topic], reverse=True):
            if len(taken) == count:
                return taken
            share[topic].discard(index)
            taken.append((topic, index))
    return taken


# -- they read different topics


class _Mixed:
    """Members by number, in the order they came; `loads` is how many partitions each has."""

    def __init__(self, members: Members, partitions: Partitions) -> None:
        self.names = list(members)
        self.partitions = partitions
        self.shares = list(kept(members, partitions).values())
        self.loads = [sum(map(len, share.values())) for share in self.shares]
        self.readers: dict[Uuid, list[int]] = {}
        for number, subscriber in enumerate(members.values()):
            for topic in subscriber.topics:
                self.readers.setdefault(topic, []).append(number)
        # Topics that weigh most on their readers come first, so that the others can even out what they leave.
        self.order = sorted(
            self.readers,
            key=lambda topic: (
                -partitions[topic] / len(self.readers[topic]),
                len(self.readers[topic]),
                topic,
            ),
        )

    def assign(self) -> dict[str, Assignment]:
        for topic in self.order:
            self._hand_out(topic)
        for _ in range(ROUNDS_MAX):
            if not sum(self._even_out(topic) for topic in self.order if len(self.readers[topic]) > 1):
                break
        return frozen(dict(zip(self.names, self.shares, strict=True)))

    def _hand_out(self, topic: Uuid) -> None:
        """Partitions that nobody has, each to the reader who has least."""
        readers = self.readers[topic]
        taken = set().union(*(self.shares[number].get(topic, ()) for number in readers))
        heap = [(self.loads[number], number) for number in readers]
        heapq.heapify(heap)
        for index in range(self.partitions[topic]):
            if index not in taken:
                number = heap[0][1]
                self._give(topic, index, number)
                heapq.heapreplace(heap, (self.loads[number], number))

    def _even_out(self, topic: Uuid) -> int:
        """Move partitions from the fullest reader to the emptiest while they differ by more than one; how many moved."""
        readers = self.readers[topic]
        moved = 0
        least = [(self.loads[number], number) for number in readers]
        most = [(-self.loads[number], -number) for number in readers if self.shares[number].get(topic)]
        heapq.heapify(least)
        heapq.heapify(most)
        while most:
            load, giver = -most[0][0], -most[0][1]
            if load != self.loads[giver] or not self.shares[giver].get(topic):
                heapq.heappop(most)
                continue
            while least[0][0] != self.loads[least[0][1]]:
                heapq.heappop(least)
            taker = least[0][1]
            if load - self.loads[taker] <= 1:
                break
            index = max(self.shares[giver][topic])
            self.shares[giver][topic].discard(index)
            self.loads[giver] -= 1
            self._give(topic, index, taker)
            moved += 1
            for number in (giver, taker):
                heapq.heappush(least, (self.loads[number], number))
                heapq.heappush(most, (-self.loads[number], -number))
        return moved

    def _give(self, topic: Uuid, index: int, number: int) -> None:
        self.shares[number].setdefault(topic, set()).add(index)
        self.loads[number] += 1
