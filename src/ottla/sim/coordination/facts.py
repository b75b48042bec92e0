"""What is known for sure about groups and transactions: who owned what, what was committed, what was aborted.

* No two members own a partition in one generation.
* What was committed and acknowledged is found again, or something later that somebody committed.
* A reader of committed records sees no record of a transaction that was aborted, and each record once.
* At the end the loop has handed over every record of its source once, and none that it did not commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeAlias

from ottla.sim.judge.facts import Violation

Place: TypeAlias = "tuple[int, int]"
"""Partition and offset in the source."""


class Fate(Enum):
    OPEN = "a commit was asked for and has no answer"
    COMMITTED = "committed and acknowledged"
    ABORTED = "nobody asked to commit it, or that was refused"


class Handover:
    """One transaction of the loop: these places of the source were written into the sink."""

    __slots__ = ("fate", "name", "places", "seen", "worker")

    def __init__(self, name: int, worker: str, places: list[Place]) -> None:
        self.name = name
        self.worker = worker
        self.places = places
        self.fate = Fate.ABORTED
        self.seen = False

    def __repr__(self) -> str:
        return f"handover {self.name} of {self.worker} ({self.fate.name}, {self.places})"

    def values(self) -> list[bytes]:
        return [b"%d:%d:%d" % (self.name, *place) for place in self.places]

    def committing(self) -> None:
        """The commit is on its way."""
        self.fate = Fate.OPEN

    def committed(self) -> None:
        self.fate = Fate.COMMITTED

    def aborted(self) -> None:
        if self.seen:
            raise Violation(f"{self} was aborted, and a reader of committed records has seen it")
        self.fate = Fate.ABORTED


class GroupFacts:
    """All of a run."""

    def __init__(self) -> None:
        self.handovers: list[Handover] = []
        self.reached: Counter[str] = Counter()
        self._owners: dict[tuple[str, int], dict[int, str]] = {}
        self._floors: dict[tuple[str, int], int] = {}
        self._wishes: dict[tuple[str, int], set[int]] = {}

    # -- groups

    def owns(self, group: str, generation: int, member: str, partitions: Iterable[int]) -> None:
        """The coordinator gave a member its share of a generation."""
        owners = self._owners.setdefault((group, generation), {})
        for partition in partitions:
            other = owners.setdefault(partition, member)
            if other != member:
                raise Violation(
                    f"in generation {generation} of {group} partition {partition} belongs to {other} and {member}"
                )
        self.reached["shares of a generation"] += 1

    def asks(self, group: str, partition: int, offset: int) -> None:
        """Somebody wants to commit this."""
        self._wishes.setdefault((group, partition), set()).add(offset)

    def acked(self, group: str, partition: int, offset: int) -> None:
        self._floors[group, partition] = max(self.floor(group, partition), offset)
        self.reached["offsets committed"] += 1

    def floor(self, group: str, partition: int) -> int:
        """What a question asked now must be answered with at least; -1: nothing was committed."""
        return self._floors.get((group, partition), -1)

    def found(self, group: str, partition: int, offset: int, floor: int) -> None:
        """The coordinator says what is committed; `floor` is from when it was asked."""
        if offset < floor:
            raise Violation(
                f"{group} had committed {floor} for partition {partition}, and now it is {offset}"
            )
        if offset >= 0 and offset not in self._wishes.get((group, partition), ()):
            raise Violation(f"nobody ever committed {offset} for partition {partition} of {group}")

    # -- transactions

    def begin(self, worker: str, places: list[Place]) -> Handover:
        handover = Handover(len(self.handovers), worker, places)
        self.handovers.append(handover)
        return handover

    def sees(self, value: bytes) -> Handover:
        """A reader of committed records sees a record."""
        name, _, _ = value.split(b":")
        handover = self.handovers[int(name)]
        if handover.fate is Fate.ABORTED:
            raise Violation(f"a reader of committed records sees a record of {handover}")
        handover.seen = True
        return handover

    def count(self, values: Iterable[bytes], committed: Mapping[int, int]) -> None:
        """All that the sink holds in the end, and how far the loop has come in each partition of the source."""
        handed: Counter[Place] = Counter()
        whole: Counter[int] = Counter()
        for value in values:
            handover = self.sees(value)
            _, partition, offset = map(int, value.split(b":"))
            handed[partition, offset] += 1
            whole[handover.name] += 1
        for each in self.handovers:
            expected = len(each.places) if each.fate is Fate.COMMITTED else None
            if expected is not None and whole[each.name] != expected:
                raise Violation(f"{each} was committed, and {whole[each.name]} of its records are there")
        twice = sorted(place for place, times in handed.items() if times > 1)
        if twice:
            raise Violation(f"places of the source were handed over twice: {twice[:10]}")
        wanted = {(partition, offset) for partition, end in committed.items() for offset in range(end)}
        if handed.keys() != wanted:
            missing, strange = sorted(wanted - handed.keys()), sorted(handed.keys() - wanted)
            raise Violation(
                f"of the source {missing[:10]} are missing in the sink, {strange[:10]} are too many"
            )
        self.reached["records counted"] += len(handed)
