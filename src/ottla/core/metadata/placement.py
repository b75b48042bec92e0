"""Where new partitions go: striped over racks, then over the brokers of each rack (KIP-36's aim, KRaft's way).

Every partition takes its replicas from consecutive racks, starting one rack and one broker further than the partition
before it, so that leaders and followers spread evenly. Fenced brokers come last and never lead. The starting points
are drawn by chance, so that small topics do not all begin on the same broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from ottla.core.model.errors import ErrorCode, KafkaError


class Chance(Protocol):
    """Randomness, as the world offers it."""

    def bytes(self, count: int) -> bytes: ...

    def below(self, bound: int) -> int: ...


class UsableBroker(msgspec.Struct, frozen=True):
    """A broker that may hold a new replica."""

    id: int
    rack: str | None = None
    fenced: bool = False


class _Ring:
    """Brokers in a circle; each partition begins one further than the last."""

    __slots__ = ("brokers", "start", "taken")

    def __init__(self, brokers: list[int], chance: Chance) -> None:
        self.brokers = brokers
        self.start = chance.below(len(brokers)) if brokers else 0
        self.taken = 0

    def turn(self) -> None:
        self.taken = 0
        if self.brokers:
            self.start = (self.start + 1) % len(self.brokers)

    def next(self) -> int | None:
        if self.taken >= len(self.brokers):
            return None
        broker = self.brokers[(self.start + self.taken) % len(self.brokers)]
        self.taken += 1
        return broker


class _Rack:
    __slots__ = ("fenced", "unfenced")

    def __init__(self, brokers: list[UsableBroker], chance: Chance) -> None:
        self.unfenced = _Ring(_shuffled([b.id for b in brokers if not b.fenced], chance), chance)
        self.fenced = _Ring(_shuffled([b.id for b in brokers if b.fenced], chance), chance)

    def turn(self) -> None:
        self.unfenced.turn()
        self.fenced.turn()


def _shuffled(items: list[int], chance: Chance) -> list[int]:
    items = sorted(items)
    for last in range(len(items) - 1, 0, -1):
        other = chance.below(last + 1)
        items[last], items[other] = items[other], items[last]
    return items


def _racks(brokers: list[UsableBroker], chance: Chance) -> list[_Rack]:
    by_name: dict[str, list[UsableBroker]] = {}
    for broker in brokers:
        by_name.setdefault(broker.rack or "", []).append(broker)
    # Racks with somebody awake come first, so that a leader is always found among them.
    names = sorted(by_name, key=lambda name: (all(broker.fenced for broker in by_name[name]), name))
    return [_Rack(by_name[name], chance) for name in names]


def _place_one(racks: list[_Rack], offset: int, replicas: int) -> list[int]:
    for rack in racks:
        rack.turn()
    leading = [rack for rack in racks if rack.unfenced.brokers]
    first = offset % len(leading)
    leader = leading[first].unfenced.next()
    assert leader is not None
    placed = [leader]
    start = racks.index(leading[first])
    position = start + 1
    dry = 0
    while len(placed) < replicas and dry <= len(racks):
        rack = racks[position % len(racks)]
        broker = rack.unfenced.next()
        if broker is None:
            broker = rack.fenced.next()
        if broker is None:
            dry += 1
        else:
            dry = 0
            placed.append(broker)
        position += 1
    return placed


def place(brokers: Iterable[UsableBroker], partitions: int, replicas: int, chance: Chance) -> list[list[int]]:
    """Replica lists for `partitions` new partitions; the first of each list is to lead.

    Raises KafkaError(INVALID_REPLICATION_FACTOR) when the brokers cannot hold that many replicas.
    """
    usable = list(brokers)
    if replicas <= 0:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Invalid replication factor {replicas}: the replication factor must be positive.",
        )
    if all(broker.fenced for broker in usable):
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "All brokers are currently fenced, or have all their log directories cordoned.",
        )
    if replicas > len(usable):
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The target replication factor of {replicas} cannot be reached because only {len(usable)} "
            "broker(s) are registered or some brokers have all their log directories cordoned.",
        )
    racks = _racks(usable, chance)
    offset = chance.below(len(racks))
    return [_place_one(racks, offset + number, replicas) for number in range(partitions)]
