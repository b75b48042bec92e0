"""An open port of the node and the connections on it.

Limits: `max.connections.per.ip` turns the newest connection away, `max.connections` and
`max.connection.creation.rate` let new ones wait (`admission.py`), `connections.max.idle.ms`
closes those that were silent for so long; long before that they give back memory that a large request took. Refusals are one log line each, but a peer that keeps coming back for the
same reason fills no log: within a spell repetitions are counted and told once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from ottla.broker.admission import NEVER, Admission, Allowance
from ottla.broker.memory import RequestMemory
from ottla.broker.metrics import ListenerMetrics
from ottla.broker.router import Router
from ottla.broker.session import RequestSession
from ottla.core.wire.apis import ListenerRole
from ottla.world.doors import Address, Clock, Listener, Network, Timer

log = logging.getLogger("ottla.listener")

REFUSAL_SPELL_MS: Final = 10_000
REFUSAL_KINDS_MAX: Final = 256
IDLE_SWEEPS: Final = 10
"""An idle connection outlives its limit by at most this part of it."""
QUIET_MS: Final = 1_000
"""A connection that grew its buffer for a large request and is silent for so long gives the memory back."""


class Limits:
    """The connection limits of a listener, as the settings give them."""

    __slots__ = (
        "backlog",
        "connections",
        "connections_per_ip",
        "creation_rate",
        "frame_bytes",
        "idle_ms",
        "per_ip_overrides",
    )

    def __init__(
        self,
        *,
        connections: int = NEVER,
        creation_rate: int = NEVER,
        connections_per_ip: int = NEVER,
        per_ip_overrides: Mapping[str, int] | None = None,
        idle_ms: int = 600_000,
        frame_bytes: int = 100 << 20,
        backlog: int = 50,
    ) -> None:
        self.connections = connections
        self.creation_rate = creation_rate
        """New connections a second."""
        self.connections_per_ip = connections_per_ip
        self.per_ip_overrides = per_ip_overrides or {}
        """Address → its own bound."""
        self.idle_ms = idle_ms
        self.frame_bytes = frame_bytes
        self.backlog = backlog

    def connections_from(self, host: str) -> int:
        """Most connections from this address."""
        return self.per_ip_overrides.get(host, self.connections_per_ip)


class BrokerListener:
    """One named listener."""

    def __init__(
        self,
        name: str,
        role: ListenerRole,
        security_protocol: str,
        router: Router,
        clock: Clock,
        memory: RequestMemory,
        metrics: ListenerMetrics,
        limits: Limits,
        admission: Admission | None = None,
        *,
        between_brokers: bool = False,
    ) -> None:
        """`admission` is shared with the other listeners of the node's role. `between_brokers` exempts this one from
        the bounds they share."""
        self.name = name
        self.role = role
        self.security_protocol = security_protocol
        self.router = router
        self.clock = clock
        self.memory = memory
        self._limits = limits
        self._admission = admission or Admission()
        self._exempt = between_brokers
        self._allowance = Allowance(limits.creation_rate)
        self._later: Timer | None = None
        self.serving = False
        self._metrics = metrics
        self._sessions: dict[RequestSession, None] = {}
        self._per_ip: dict[str, int] = {}
        self._port: Listener | None = None
        self._sweep: Timer | None = None
        self._grown: dict[RequestSession, None] = {}
        self._resting: Timer | None = None
        self._told_full = -REFUSAL_SPELL_MS
        self._refusals: dict[tuple[str, str], _Refusal] = {}

    @property
    def limits(self) -> Limits:
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._allowance.rate = limits.creation_rate
        self._admit()

    @property
    def frame_bytes_max(self) -> int:
        return self.limits.frame_bytes

    @property
    def address(self) -> Address:
        assert self._port is not None, "the listener is not open"
        return self._port.address

    async def bind(self, network: Network, host: str, port: int) -> Address:
        """Open the port; connections are taken and wait. Raises OSError when it cannot be opened."""
        self._port = await network.listen(host, port, self._accept, backlog=self.limits.backlog)
        return self._port.address

    def serve(self) -> None:
        """Begin to read requests."""
        self.serving = True
        self._plan_sweep()
        for session in list(self._sessions):
            session.begin()

    def _accept(self) -> RequestSession:
        return RequestSession(self)

    # -- sessions report here

    def joined(self, session: RequestSession) -> None:
        host = session.caller.peer.host
        count = self._per_ip.get(host, 0) + 1
        self._per_ip[host] = count
        self._sessions[session] = None
        now = self.clock.now()
        self._admission.joined(now)
        self._allowance.taken(now)
        self._metrics.accepted += 1
        self._metrics.connections += 1
        if self._port is None:
            session.abort()
        elif count > self.limits.connections_from(host):
            bound = self.limits.connections_from(host)
            self.refused(session, f"max.connections.per.ip={bound} is reached for this address", "per ip")
            session.abort()
        self._admit()

    def _admit(self) -> None:
        """Accept the next connection, or wait until there is room for it and the rate allows it."""
        port, now = self._port, self.clock.now()
        if port is None:
            return
        if self._later is not None:
            self._later.cancel()
            self._later = None
        shared = not self._exempt
        pause = self._allowance.wait_ms(now)
        if shared:
            pause = max(pause, self._admission.allowance.wait_ms(now))
        if len(self._sessions) >= self.limits.connections or (shared and self._admission.full):
            self._tell_full()
            self._admission.wait(self._admit)
            port.pause()
        elif pause:
            self._later = self.clock.call_at(now + pause, self._admit)
            port.pause()
        else:
            port.resume()

    def _tell_full(self) -> None:
        if self.clock.now() - self._told_full >= REFUSAL_SPELL_MS:
            self._told_full = self.clock.now()
            bound = min(self.limits.connections, self._admission.connections)
            log.warning(
                "max.connections=%d is reached on listener %s: new connections wait", bound, self.name
            )

    def left(self, session: RequestSession) -> None:
        if session not in self._sessions:
            return
        del self._sessions[session]
        self._grown.pop(session, None)
        host = session.caller.peer.host
        count = self._per_ip[host] - 1
        if count:
            self._per_ip[host] = count
        else:
            del self._per_ip[host]
        self._metrics.connections -= 1
        self._metrics.closed += 1
        self._admission.left()

    def refused(self, session: RequestSession, reason: str, kind: str) -> None:
        """Log why a connection is closed, once a spell for each kind and address."""
        self._metrics.refused += 1
        host = session.caller.peer.host
        now = self.clock.now()
        last = self._refusals.get((kind, host))
        if last is not None and now - last.at < REFUSAL_SPELL_MS:
            last.repeated += 1
            return
        repeated = f" (and {last.repeated} more like it before)" if last is not None and last.repeated else ""
        if len(self._refusals) >= REFUSAL_KINDS_MAX:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[(kind, host)] = _Refusal(now)
        log.warning("closing %s on listener %s: %s%s", session.caller.peer, self.name, reason, repeated)

    # -- idleness

    def _plan_sweep(self) -> None:
        if self.limits.idle_ms > 0:
            pause = max(self.limits.idle_ms // IDLE_SWEEPS, 10)
            self._sweep = self.clock.call_at(self.clock.now() + pause, self._close_idle)

    def _close_idle(self) -> None:
        limit = self.clock.now() - self.limits.idle_ms
        for session in [each for each in self._sessions if each.last_active < limit and not each.busy]:
            self._metrics.idle_closed += 1
            log.debug("closing idle connection peer=%s listener=%s", session.caller.peer, self.name)
            session.abort()
        self._plan_sweep()

    # -- quiet

    def grown(self, session: RequestSession) -> None:
        """The session's buffer grew for a large request."""
        self._grown[session] = None
        if self._resting is None:
            self._plan_resting()

    def _plan_resting(self) -> None:
        self._resting = self.clock.call_at(self.clock.now() + QUIET_MS, self._rest_quiet)

    def _rest_quiet(self) -> None:
        self._resting = None
        limit = self.clock.now() - QUIET_MS
        for session in [each for each in self._grown if each.last_active <= limit]:
            session.rest()
            if not session.grown:
                del self._grown[session]
        if self._grown:
            self._plan_resting()

    # -- the end

    def stop_accepting(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    @property
    def connections(self) -> int:
        return len(self._sessions)

    @property
    def busy(self) -> bool:
        """Whether a request is under way on any connection."""
        return any(session.busy for session in self._sessions)

    def close_connections(self) -> None:
        """Close all connections; replies already handed over still leave."""
        for session in list(self._sessions):
            session.close()

    def abort_connections(self) -> None:
        for session in list(self._sessions):
            session.abort()


class _Refusal:
    __slots__ = ("at", "repeated")

    def __init__(self, at: int) -> None:
        self.at = at
        self.repeated = 0
