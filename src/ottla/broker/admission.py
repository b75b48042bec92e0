"""How many connections a node has, and how fast new ones may come: `max.connections`, `max.connection.creation.rate`.

As in Kafka nobody is turned away: over a bound the ports accept no more, and whoever connects stands in the system's
queue until a connection ends or a moment has passed. The bounds of the node count its listeners together; a listener may
have tighter ones of its own. The listener between brokers waits for its own bounds only, so that clients never lock the
cluster out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

NEVER: Final = (1 << 31) - 1
BURST_MS: Final = 1_000
"""Connections of so long may come at once before the rate holds them up."""


class Allowance:
    """Arrivals at no more than a rate: one is saved up every `1/rate` seconds, as many as `BURST_MS` brings."""

    __slots__ = ("_at", "_saved", "rate")

    def __init__(self, rate: int = NEVER) -> None:
        self.rate = rate
        self._saved = float(rate)
        self._at: int | None = None

    def taken(self, now: int) -> None:
        """One has come."""
        self._collect(now)
        self._saved -= 1

    def wait_ms(self, now: int) -> int:
        """How long until the next may come."""
        self._collect(now)
        if self._saved >= 1:
            return 0
        return int((1 - self._saved) * 1_000 / self.rate) + 1 if self.rate > 0 else BURST_MS

    def _collect(self, now: int) -> None:
        most = self.rate * BURST_MS / 1_000
        if self._at is None:
            self._saved = most
        else:
            self._saved = min(self._saved + (now - self._at) * self.rate / 1_000, most)
        self._at = now


class Admission:
    """Shared by the listeners of one role of a node."""

    __slots__ = ("_waiting", "allowance", "connections", "count")

    def __init__(self, connections: int = NEVER, rate: int = NEVER) -> None:
        self.connections = connections
        self.allowance = Allowance(rate)
        self.count = 0
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def full(self) -> bool:
        return self.count >= self.connections

    def joined(self, now: int) -> None:
        self.count += 1
        self.allowance.taken(now)

    def left(self) -> None:
        self.count -= 1
        self.look_again()

    def limit(self, connections: int, rate: int) -> None:
        """New bounds; those who wait look again."""
        self.connections, self.allowance.rate = connections, rate
        self.look_again()

    def wait(self, look_again: Callable[[], None]) -> None:
        """Call once when a connection has ended or the bounds have changed."""
        self._waiting[look_again] = None

    def look_again(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for look_again in waiting:
            look_again()
