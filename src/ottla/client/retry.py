"""How long to wait before trying again: doubling, bounded, and never in step with the others (KIP-580)."""

from __future__ import annotations

import logging
from typing import Final

from ottla.client.settings import ConnectionSettings
from ottla.world.doors import Chance

log = logging.getLogger("ottla.client")

JITTER_PERCENT: Final = 20
DOUBLINGS_MAX: Final = 20
TOLD_AT: Final = 4
"""The attempt that fails when a person begins to wonder: with default settings after about a second."""


def backoff_ms(attempt: int, settings: ConnectionSettings, chance: Chance) -> int:
    """Milliseconds before attempt number `attempt` (1 is the first retry), up to 20 % more or less by chance."""
    base = settings.retry_backoff_ms << min(attempt - 1, DOUBLINGS_MAX)
    base = min(base, settings.retry_backoff_max_ms)
    spread = base * JITTER_PERCENT // 100
    return base - spread + chance.below(2 * spread + 1)


class Patience:
    """Tells a person once that something is being tried again and again, and once that it works again."""

    __slots__ = ("_told", "_what")

    def __init__(self, what: str) -> None:
        """`what` is a verb: "read", "write"."""
        self._what = what
        self._told = False

    def failed(self, attempt: int, error: Exception) -> None:
        """Attempt number `attempt` failed, and there will be another."""
        if attempt >= TOLD_AT and not self._told:
            self._told = True
            log.warning("cannot %s for now, trying again: %s", self._what, error)

    def worked(self) -> None:
        if self._told:
            self._told = False
            log.warning("can %s again", self._what)
