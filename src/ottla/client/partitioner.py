"""Which partition a record goes to.

With a key: murmur2 of the key modulo the partition count, as Kafka's Java client does, so records of one key meet
whichever client wrote them. Without: stay with one partition until its batch is full, then pick another (KIP-480,
KIP-794): fewer, larger batches.
"""

from __future__ import annotations

from ottla.world.doors import Chance

SEED = 0x9747B28C
MIX = 0x5BD1E995
MASK = 0xFFFFFFFF


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
    """The partition of a key among `partitions`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


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
