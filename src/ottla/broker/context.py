"""Who asks, over which listener, and what: handed to every handler beside the request."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from ottla.core.wire.apis import ListenerRole
from ottla.world.doors import Address

ANONYMOUS: Final = "User:ANONYMOUS"
"""Kafka's principal of a connection that nobody authenticated."""


class CloseConnection(Exception):
    """Raised by a handler, or by the router, when no answer is possible: the connection is closed.

    The text is the reason, for the log. `kind` names it for the rate limit of that log.
    """

    def __init__(self, reason: str, *, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Caller:
    """One connection as handlers see it."""

    __slots__ = (
        "listener",
        "local",
        "peer",
        "principal",
        "role",
        "security_protocol",
        "software_name",
        "software_version",
        "when_gone",
    )

    def __init__(
        self, listener: str, role: ListenerRole, security_protocol: str, peer: Address, local: Address
    ) -> None:
        self.listener = listener
        self.role = role
        self.security_protocol = security_protocol
        self.peer = peer
        self.local = local
        self.principal = ANONYMOUS
        self.software_name = "unknown"
        self.software_version = "unknown"
        self.when_gone: dict[Hashable, Callable[[], None]] = {}
        """Called once the connection is gone, by whoever keeps something for as long as it lives."""

    def gone(self) -> None:
        """The connection has ended."""
        calls = list(self.when_gone.values())
        self.when_gone.clear()
        for call in calls:
            call()


class Context:
    """One request: `version` is that of its body, `started` monotonic microseconds."""

    __slots__ = ("caller", "client_id", "correlation_id", "key", "started", "version")

    def __init__(
        self, caller: Caller, key: int, version: int, correlation_id: int, client_id: str | None, started: int
    ) -> None:
        self.caller = caller
        self.key = key
        self.version = version
        self.correlation_id = correlation_id
        self.client_id = client_id
        self.started = started

    @property
    def principal(self) -> str:
        return self.caller.principal

    @property
    def listener(self) -> str:
        return self.caller.listener

    @property
    def peer(self) -> Address:
        return self.caller.peer

    @property
    def local(self) -> Address:
        return self.caller.local


def from_within() -> Context:
    """A request that the node makes of itself, in the newest version."""
    nowhere = Address("", 0)
    return Context(Caller("", ListenerRole.BROKER, "", nowhere, nowhere), -1, -1, -1, None, 0)
