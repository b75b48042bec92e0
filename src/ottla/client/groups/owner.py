"""What a member of a group is told from outside: by a consumer, a worker of a Connect cluster, whoever shares work in a group."""

from __future__ import annotations

from typing import Protocol

import msgspec


class MemberSettings(msgspec.Struct, frozen=True):
    """How to be a member. Times in ms, Kafka's defaults.

    `rebalance_timeout_ms`: how long the group waits for this member to join again. `group_instance_id` makes it a
    static member (KIP-345): it may go away for as long as its session lasts without anybody else noticing.
    """

    group_id: str
    protocol_type: str = "consumer"
    group_instance_id: str | None = None
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = 300_000


class Generation(msgspec.Struct, frozen=True):
    """A term of the group, and this member in it: what commits of offsets have to name."""

    id: int
    member_id: str
    protocol: str = ""
    is_leader: bool = False


class JoinedMember(msgspec.Struct, frozen=True):
    """A member as the leader sees it: `metadata` are the bytes it gave for the protocol that was chosen."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


class GroupOwner(Protocol):
    """Who a member works for. Calls never overlap; an exception that one of them raises ends the membership."""

    def protocols(self) -> list[tuple[str, bytes]]:
        """Names and metadata of the protocols to offer, the dearest first; asked anew at every join."""
        ...

    async def prepare(self, generation: Generation | None) -> None:
        """The group is about to rebalance (None: this is the first join, or the membership was lost).

        What has to be finished or given up in the old generation is done here. The session stays alive meanwhile, but
        whoever takes longer than the rebalance timeout is left behind.
        """
        ...

    async def lead(self, protocol: str, members: list[JoinedMember]) -> dict[str, bytes]:
        """This member leads: give every member id its assignment."""
        ...

    async def assigned(self, generation: Generation, assignment: bytes) -> None:
        """The group has settled, and this is our part."""
        ...

    async def lost(self) -> None:
        """The group went on without us: whatever we had is others' by now."""
        ...

    def alive(self) -> bool:
        """Whether the owner still makes progress. One that does not leaves its group until it is `prepare`d again."""
        ...

    def failed(self, error: Exception) -> None:
        """The membership has ended for good."""
        ...
