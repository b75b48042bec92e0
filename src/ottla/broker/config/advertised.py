"""What a node tells others about where it is.

`advertised.listeners` says it outright. Without it, clients are told the address at which they reached the node: the
one address that is known to work for them, whatever lies between (`ottla.advertised.mode=listeners` goes by `listeners`
instead). Other nodes, which read a registration and not an answer to their own request, get the host in `listeners`,
or this machine's name where that is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from ottla.core.model.settings.addresses import HostPort, Voter
from ottla.core.model.settings.listeners import Listener

_EVERYWHERE = ("", "0.0.0.0", "::")


class Advertisement:
    """The advertised side of a node's listeners."""

    def __init__(
        self,
        chosen: tuple[Listener, ...] | None,
        opened: Sequence[Listener],
        *,
        automatic: bool,
        voters: Sequence[Voter],
        node_id: int,
        controllers: tuple[str, ...],
    ) -> None:
        self.automatic = automatic
        self._controllers = controllers
        self._opened = {one.name: one for one in opened}
        self._chosen = {one.name: one for one in chosen} if chosen is not None else None
        self._voter = next((one for one in voters if one.id == node_id), None)

    def to_client(self, listener: str, reached: HostPort) -> HostPort | None:
        """Where a client on `listener`, which reached us at `reached`, is told to connect. None: not offered."""
        if self.automatic:
            return HostPort(reached.host, reached.port)
        one = (self._opened if self._chosen is None else self._chosen).get(listener)
        if one is None:
            return None
        return HostPort(one.host or reached.host, one.port)

    def registered(self, hostname: str, ports: dict[str, int] | None = None) -> tuple[Listener, ...]:
        """The broker's listeners as it registers them. `ports`: what was opened where port 0 was asked for."""
        source = self._opened if self._chosen is None else self._chosen
        return tuple(
            _resolved(one, hostname, ports) for one in source.values() if one.name not in self._controllers
        )

    def controllers(self, hostname: str, ports: dict[str, int] | None = None) -> tuple[Listener, ...]:
        """The controller's listeners as it registers them, in the order of `controller.listener.names`."""
        found: list[Listener] = []
        for position, name in enumerate(self._controllers):
            one = (self._chosen or {}).get(name) or self._opened.get(name)
            if one is None:
                continue
            if position == 0 and self._voter is not None and one.host in _EVERYWHERE:
                # The fixed list of voters tells where this controller is found.
                one = Listener(one.name, one.security_protocol, self._voter.host, self._voter.port)
            found.append(_resolved(one, hostname, ports))
        return tuple(found)


def _resolved(one: Listener, hostname: str, ports: dict[str, int] | None) -> Listener:
    host = hostname if one.host in _EVERYWHERE else one.host
    port = (ports or {}).get(one.name, one.port) if one.port == 0 else one.port
    return Listener(one.name, one.security_protocol, host, port)
