"""Choices out of a string of bytes.

Hypothesis, a coverage-guided fuzzer and a plain random generator have one thing in common: each can make bytes. So
everything that is chosen here (which sample, which mutation, where) is read from such a string, and one mutator serves
all three. A string that runs out goes on with zeros, so shorter strings make plainer inputs: that is how Hypothesis
shrinks, and why a failure comes out small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads `entropy` from the front."""

    def __init__(self, entropy: bytes) -> None:
        self._entropy = entropy
        self._at = 0

    @property
    def left(self) -> int:
        return max(0, len(self._entropy) - self._at)

    def below(self, bound: int) -> int:
        """A whole number in [0, bound)."""
        if bound <= 1:
            return 0
        size = ((bound - 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(size), "big") % bound

    def take(self, count: int) -> bytes:
        taken = self._entropy[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b"\0")

    def rest(self) -> bytes:
        taken = self._entropy[self._at :]
        self._at = len(self._entropy)
        return taken

    def of(self, sequence: Sequence[T]) -> T:
        return sequence[self.below(len(sequence))]
