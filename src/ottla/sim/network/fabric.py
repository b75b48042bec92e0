"""What lies between the machines of a simulated world: links with delays, chunks of any size, cuts and resets.

Machines have names, ports have numbers, and a link is a pair of names. TCP's promises are kept (bytes come once and in
order, a reader who does not read stops the writer) and nothing else is: how long it takes and how the stream is cut
into pieces is up to the seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.sim.chance import SeededChance
from ottla.sim.schedule import Schedule

if TYPE_CHECKING:
    from ottla.sim.network.connection import SimConnection
    from ottla.sim.network.network import SimListener

FIRST_PORT: Final = 40_000
WINDOW_BYTES: Final = 64 << 10


class Weather:
    """How a network behaves; times in microseconds."""

    __slots__ = ("chunk_bytes", "late_micros", "late_share", "usual_micros", "window_bytes")

    def __init__(
        self,
        *,
        usual_micros: int = 200,
        late_micros: int = 40_000,
        late_share: float = 0.03,
        chunk_bytes: int = 16 << 10,
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        self.usual_micros = usual_micros
        self.late_micros = late_micros
        self.late_share = late_share
        self.chunk_bytes = chunk_bytes
        """The largest piece in which bytes arrive."""
        self.window_bytes = window_bytes
        """Bytes that a connection has under way before its writer must wait."""

    def micros(self, chance: SeededChance) -> int:
        """How long the next piece is under way."""
        bound = self.late_micros if chance.often(self.late_share) else self.usual_micros
        return 10 + chance.below(bound)


class Fabric:
    """All links and open ports of a world."""

    def __init__(self, schedule: Schedule, chance: SeededChance, weather: Weather | None = None) -> None:
        self.schedule = schedule
        self.chance = chance
        self.weather = weather or Weather()
        self.listeners: dict[tuple[str, int], SimListener] = {}
        self.connections: dict[SimConnection, None] = {}
        self._cut: set[tuple[str, str]] = set()
        self._ports = FIRST_PORT

    def free_port(self, host: str) -> int:
        self._ports += 1
        while (host, self._ports) in self.listeners:
            self._ports += 1
        return self._ports

    def note(self, who: str, what: str) -> None:
        self.schedule.trace.note(self.schedule.micros, who, what)

    # -- faults

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two machines, in either direction."""
        self._cut.add(_link(one, other))
        self.note("network", f"cut {one} {other}")

    def heal(self, one: str, other: str) -> None:
        """Let it pass again: what was under way arrives late."""
        self._cut.discard(_link(one, other))
        self.note("network", f"heal {one} {other}")
        for connection in self.between(one, other):
            connection.arrive_late()

    def is_cut(self, one: str, other: str) -> bool:
        return _link(one, other) in self._cut

    def between(self, one: str, other: str) -> list[SimConnection]:
        """The ends of all connections between two machines."""
        link = _link(one, other)
        return [each for each in self.connections if _link(each.local.host, each.peer.host) == link]

    def of(self, host: str) -> list[SimConnection]:
        """The ends of connections that a machine holds."""
        return [each for each in self.connections if each.local.host == host]


def _link(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)
