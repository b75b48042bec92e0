"""Which partition a record goes to.

With a key: a hash of the key modulo the partition count, so records of one key meet whichever client wrote them:
murmur2 as in Kafka's Java client, or CRC-32 as in librdkafka. Without: stay with one partition until its batch is
full, then pick another (KIP-480, KIP-794): fewer, larger batches. Or each in its turn, or as the caller's own
function says.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, TypeAlias

from ottla.client.settings import SettingRefused
from ottla.client.view import TopicView
from ottla.world.doors import Chance

SEED = 0x9747B28C
MIX = 0x5BD1E995
MASK = 0xFFFFFFFF

OwnPartitioner: TypeAlias = "Callable[[TopicView, bytes | None, bytes | None], int]"
"""A caller's own: topic, key and value (as sent) give a partition of `topic.partitions`."""

KeyHash: TypeAlias = "Callable[[bytes, int], int]"


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of Kafka's clients. Unsigned."""
    length = len(data)
    state = SEED ^ length
    whole = length & ~3
    for position in range(0, whole, 4):
        word = int.from_bytes(data[position : position + 4], "little") * MIX & MASK
        word = (word ^ word >> 24) * MIX & MASK
        state = (state * MIX & MASK) ^ word
    if length > whole:
        state = (state ^ int.from_bytes(data[whole:], "little")) * MIX & MASK
    state = (state ^ state >> 13) * MIX & MASK
    return state ^ state >> 15


def partition_of_key(key: bytes, partitions: int) -> int:
    """The partition of a key among `partitions`, as in the Java client."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def crc32_partition(key: bytes, partitions: int) -> int:
    """The same as in librdkafka unless told otherwise."""
    return zlib.crc32(key) % partitions


class StickyPartitioner:
    """Partitions for records without keys: one at a time, chosen anew when its batch is full."""

    __slots__ = ("chance", "current")

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.current = -1

    def choose(self, available: list[int]) -> int:
        """The partition to use now, one of `available` (those with a leader, or all when none has)."""
        if self.current not in available:
            self.current = available[self.chance.below(len(available))]
        return self.current

    def batch_full(self, available: list[int]) -> None:
        """Move on, to another partition where there is one."""
        others = [partition for partition in available if partition != self.current]
        if others:
            self.current = others[self.chance.below(len(others))]


class RoundRobin:
    """Each record to the next partition that has a leader, whatever its key. One turn a topic."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def __call__(self, topic: TopicView, key: bytes | None, value: bytes | None) -> int:
        available = topic.led() or list(topic.partitions)
        turn = self._turns.get(topic.name, 0)
        self._turns[topic.name] = turn + 1
        return available[turn % len(available)]


KEY_HASHES: Final[dict[str, KeyHash]] = {
    "murmur2": partition_of_key,
    "crc32": crc32_partition,
}
NAMES: Final = (*KEY_HASHES, "round_robin")


def partitioner_named(name: str) -> KeyHash | RoundRobin:
    """Raises SettingRefused for a name that is none."""
    if name == "round_robin":
        return RoundRobin()
    if name not in KEY_HASHES:
        raise SettingRefused(
            f"there is no partitioner {name!r}", f"known are {', '.join(NAMES)}, or give a function."
        )
    return KEY_HASHES[name]
