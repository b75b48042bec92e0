"""A member of a consumer group: what it wants, and what it has. A value; a change makes another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from ottla.core.model.ids import Uuid

Owned: TypeAlias = "Mapping[Uuid, Mapping[int, int]]"
"""Topic id → partition → the member epoch in which it was given. A topic without partitions is not in it."""

NONE_OWNED: Final[Owned] = {}

JOINING_EPOCH: Final = 0
"""A member that says this wants to join, or to begin again after it was fenced."""
LEAVING_EPOCH: Final = -1
STATIC_LEAVING_EPOCH: Final = -2
"""A static member goes and means to come back; until then its place is kept."""


class MemberState(IntEnum):
    """How far a member has come with its target, as records hold it."""

    STABLE = 0
    UNREVOKED_PARTITIONS = 1
    """It still has partitions that it was asked to give up."""
    UNRELEASED_PARTITIONS = 2
    """It waits for partitions that others have not given up."""
    UNKNOWN = 127
    """A state of a later version of Kafka."""

    @classmethod
    def _missing_(cls, value: object) -> MemberState:
        return cls.UNKNOWN


class ClassicTraits(NamedTuple):
    """What a member that speaks the classic protocol said when it joined: (protocol, metadata), the best first."""

    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]


class Member(NamedTuple):
    """`topics` and `pattern` are its subscription, by name and by regular expression. Times are ms."""

    id: str
    epoch: int = 0
    previous_epoch: int = -1
    state: MemberState = MemberState.STABLE
    instance_id: str | None = None
    rack: str | None = None
    rebalance_timeout_ms: int = -1
    client_id: str = ""
    client_host: str = ""
    topics: frozenset[str] = frozenset()
    pattern: str = ""
    assignor: str | None = None
    assigned: Owned = NONE_OWNED
    revoking: Owned = NONE_OWNED
    """Asked to be given up, and not given up yet as far as is known."""
    classic: ClassicTraits | None = None

    def reconciled(self, target_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == target_epoch

    def since(self, topic: Uuid, partition: int) -> int | None:
        """The epoch in which it was given a partition that it has, or is giving up; None for one it does not have."""
        epoch = self.assigned.get(topic, {}).get(partition)
        return self.revoking.get(topic, {}).get(partition) if epoch is None else epoch


def together(pairs: Iterable[tuple[Uuid, Mapping[int, int]]]) -> Owned:
    """Partitions of several places as one."""
    found: dict[Uuid, dict[int, int]] = {}
    for topic, partitions in pairs:
        found.setdefault(topic, {}).update(partitions)
    return found
