"""The Chance door: the operating system's randomness."""

from __future__ import annotations

import os
import secrets


class RealChance:
    """Unpredictable bytes and numbers."""

    __slots__ = ()

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def below(self, bound: int) -> int:
        return secrets.randbelow(bound)
