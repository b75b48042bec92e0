"""Tasks: the pieces that a Kafka Streams application is shared out in.

A task is one partition number of one subtopology: it reads that partition of every topic that the subtopology reads. It is
*active* at one process, and may be *standby* at others, which keep a copy of its state at hand. (The protocol also knows
*warm-ups*, standbys on their way to become active; Kafka 4.3 assigns none.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias, TypeVar

Partitions: TypeAlias = "Mapping[str, frozenset[int]]"
"""Subtopology → partitions. A subtopology without partitions is not in it."""
Since: TypeAlias = "Mapping[str, Mapping[int, int]]"
"""Subtopology → partition → the assignment epoch since which a member has the task."""


class Task(NamedTuple):
    subtopology: str
    partition: int


class Tasks(NamedTuple):
    """What a member is meant to have, or says it has."""

    active: Partitions = {}
    standby: Partitions = {}
    warmup: Partitions = {}


class Held(NamedTuple):
    """What a member has been given. Of active tasks it is known since when, because that decides whose offsets count."""

    active: Since = {}
    standby: Partitions = {}
    warmup: Partitions = {}

    @property
    def empty(self) -> bool:
        return not (self.active or self.standby or self.warmup)


NO_TASKS: Final = Tasks()
NOTHING_HELD: Final = Held()


class Spelt(Protocol):
    """How messages and records name tasks."""

    subtopology_id: str
    partitions: list[int]


def read(spelt: Iterable[Spelt]) -> Partitions:
    """Tasks from a message. Should it name a subtopology twice, the last counts."""
    return {each.subtopology_id: frozenset(each.partitions) for each in spelt if each.partitions}


SpeltT = TypeVar("SpeltT")


def spell(make: Callable[[str, list[int]], SpeltT], tasks: Mapping[str, Iterable[int]]) -> list[SpeltT]:
    """Tasks for a message, in order."""
    return [make(subtopology, sorted(tasks[subtopology])) for subtopology in sorted(tasks)]


def each(tasks: Mapping[str, Iterable[int]]) -> Iterable[Task]:
    return (
        Task(subtopology, partition) for subtopology, partitions in tasks.items() for partition in partitions
    )


def within(spelt: Iterable[Spelt] | None, tasks: Mapping[str, Iterable[int]]) -> bool:
    """Whether every task that is named is among these; False when nothing is said at all."""
    if spelt is None:
        return False
    none: frozenset[int] = frozenset()
    return all(
        one.subtopology_id in tasks and set(one.partitions) <= set(tasks.get(one.subtopology_id, none))
        for one in spelt
    )


def overlap(tasks: Tasks, held: Held) -> bool:
    """Whether a task is in both, in the same role."""
    pairs: tuple[tuple[Partitions, Mapping[str, Iterable[int]]], ...] = (
        (tasks.active, held.active),
        (tasks.standby, held.standby),
        (tasks.warmup, held.warmup),
    )
    return any(
        subtopology in other and not partitions.isdisjoint(other[subtopology])
        for mine, other in pairs
        for subtopology, partitions in mine.items()
    )
