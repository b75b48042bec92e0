"""A member of a classic group, and the two requests of it that may be waiting."""

from __future__ import annotations

from collections.abc import Collection

from ottla.core.wire.messages.join_group import JoinGroupRequestProtocol


class Member:
    """`join_token` and `sync_token` are set while a JoinGroup or SyncGroup of the member waits. Times are ms."""

    __slots__ = (
        "assignment",
        "client_host",
        "client_id",
        "id",
        "instance_id",
        "is_new",
        "join_token",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
        "sync_token",
    )

    def __init__(
        self,
        member_id: str,
        instance_id: str | None,
        client_id: str,
        client_host: str,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        protocols: list[tuple[str, bytes]],
        assignment: bytes = b"",
    ) -> None:
        self.id = member_id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.protocols = protocols
        self.assignment = assignment
        self.join_token: object | None = None
        self.sync_token: object | None = None
        self.is_new = False
        """It has never been told its member id, so it cannot send heartbeats."""

    @property
    def joining(self) -> bool:
        return self.join_token is not None

    def metadata(self, protocol: str) -> bytes:
        """What it said for this protocol; nothing for one it does not speak."""
        return next((data for name, data in self.protocols if name == protocol), b"")

    def vote(self, candidates: Collection[str]) -> str:
        """Its favourite among protocols that every member speaks."""
        return next(name for name, _ in self.protocols if name in candidates)

    def matches(self, protocols: list[tuple[str, bytes]]) -> bool:
        return self.protocols == protocols


def spoken(protocols: list[JoinGroupRequestProtocol]) -> list[tuple[str, bytes]]:
    """The protocols of a request, in the order of preference; of two with one name the first counts."""
    found: dict[str, bytes] = {}
    for each in protocols:
        found.setdefault(each.name, bytes(each.metadata))
    return list(found.items())
