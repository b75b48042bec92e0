"""Chance from a seed: the same seed makes the same choices, in any process, on any machine.

Every part of a simulated world draws from a stream of its own, split off by name, so that one more draw in one place
does not change what all the others get.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class SeededChance:
    """The Chance door, and the words in which a simulation asks for luck."""

    __slots__ = ("_random", "seed")

    def __init__(self, seed: int | str = 1) -> None:
        self.seed = str(seed)
        # A text is hashed by SHA-512, which knows nothing of PYTHONHASHSEED.
        self._random = random.Random(self.seed)

    def split(self, name: str) -> SeededChance:
        """A stream of its own, the same for the same name."""
        return SeededChance(f"{self.seed}/{name}")

    # -- the door

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)

    # -- more ways to ask

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return self._random.randint(low, high)

    def often(self, share: float) -> bool:
        """True in so large a share of all cases."""
        return self._random.random() < share

    def one(self, things: Sequence[T]) -> T:
        return things[self._random.randrange(len(things))]

    def weighted(self, things: dict[T, int]) -> T:
        """One of the keys, in proportion to their weights."""
        left = self._random.randrange(sum(things.values()))
        for thing, weight in things.items():
            left -= weight
            if left < 0:
                return thing
        raise AssertionError("weights are positive")

    def skewed(self, low: int, high: int) -> int:
        """As `between`, mostly small."""
        return low + int((high - low + 1) * self._random.random() ** 3)
