"""What every kind of group has: a name, a state, and an opinion on who may commit offsets in it.

Four kinds live in one name space: classic (members agree by JoinGroup and SyncGroup), consumer (KIP-848), share (KIP-932)
and streams (KIP-1071). Committed offsets belong to the name, not to the kind (`core.groups.offsets`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from ottla.core.coordination.contract import Moment, Record
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid

MemberT = TypeVar("MemberT")


class GroupKind(StrEnum):
    """As ListGroups names them."""

    CLASSIC = "classic"
    CONSUMER = "consumer"
    SHARE = "share"
    STREAMS = "streams"


class Commit(NamedTuple):
    """Who wants to commit or fetch. `epoch` is the generation, or the member epoch; -1 and "" stand for nobody."""

    member_id: str
    instance_id: str | None
    epoch: int
    version: int
    transactional: bool = False


class Expiry(NamedTuple):
    """Whether a group's offsets may expire, and from when on their age counts (wall clock, ms; None: their commit time)."""

    may: bool
    since: int | None = None


PartitionCheck: TypeAlias = Callable[[Uuid, int], None]
"""(topic id, partition): raises KafkaError unless an offset may be committed for this one."""


def member_of(group: str, members: Mapping[str, MemberT], member_id: str) -> MemberT:
    """Raises UNKNOWN_MEMBER_ID."""
    member = members.get(member_id)
    if member is None:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {group}.")
    return member


class Group(Protocol):
    """One group of any kind."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> GroupKind: ...

    @property
    def state(self) -> str:
        """As ListGroups and DescribeGroups print it: "Stable", "Empty", …"""
        ...

    @property
    def protocol_type(self) -> str:
        """As ListGroups prints it: "consumer", "share", … or what the members of a classic group call it."""
        ...

    def check_commit(self, commit: Commit) -> PartitionCheck | None:
        """Raises KafkaError unless this member may commit offsets now; what it returns says for which partitions, None
        for all."""
        ...

    def check_fetch(self, commit: Commit) -> None:
        """Raises KafkaError unless this member may be told the offsets. Nobody in particular always may, and is not
        asked for here."""
        ...

    def subscribed(self, topic: str) -> bool:
        """Whether members read the topic, so that its offsets must neither be deleted nor expire."""
        ...

    def check_delete_offsets(self) -> None:
        """Raises KafkaError unless single offsets of the group may be deleted."""
        ...

    def check_delete(self) -> None:
        """Raises KafkaError (NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND) unless the group may go."""
        ...

    def tombstones(self) -> Sequence[Record]:
        """The records that delete the group; committed offsets have their own."""
        ...

    def expiry(self) -> Expiry: ...

    def may_go(self, moment: Moment) -> bool:
        """Whether the group is to be forgotten once it has no offsets any more."""
        ...
