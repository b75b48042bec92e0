"""A share group (KIP-932): members that take records from the same partitions side by side.

Three steps lead from a subscription to records: the group's epoch grows when something changed, a target assignment is
computed for that epoch, and every member takes its part of it over with its next heartbeat. Nothing has to be given back
before another may have it, as partitions are shared; so one step is enough for a member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, NoReturn, TypeAlias

from ottla.core.coordination.contract import Moment, Record
from ottla.core.groups.group import Commit, Expiry, GroupKind, member_of
from ottla.core.groups.share import partitions
from ottla.core.groups.share.partitions import StatePartitions
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid

Assignment: TypeAlias = "Mapping[Uuid, frozenset[int]]"
"""Topic id → partitions."""

NOTHING_ASSIGNED: Final[Assignment] = MappingProxyType({})
LEAVES: Final = -1
"""The epoch with which a member says that it leaves, and the one it has when it has left."""


class Member(NamedTuple):
    """A member as the log has it."""

    id: str
    epoch: int = 0
    previous_epoch: int = -1
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topics: frozenset[str] = frozenset()
    assigned: Assignment = NOTHING_ASSIGNED


class ShareGroup:
    """Changes only where records are applied, but for `looked_at`, `initializing_since` and `complete_as_of`."""

    kind: Final = GroupKind.SHARE
    protocol_type: Final = "share"

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = 1
        self.metadata_hash = 0
        self.assignment_epoch = 1
        self.assigned_at: int | None = None
        """Monotonic ms; None where that is not known."""
        self.members: dict[str, Member] = {}
        self.target: dict[str, Assignment] = {}
        self.partitions: StatePartitions | None = None
        self.looked_at = -1
        """How often topics had changed when the metadata hash was last computed."""
        self.initializing_since = 0
        """Since when (monotonic, ms) share partitions are being initialized."""
        self.complete_as_of: tuple[int, int, StatePartitions | None] | None = None
        """The assignment, topics and state partitions as they were when all partitions were last found assigned."""
        self._readers: dict[str, int] = {}

    @property
    def state(self) -> str:
        return "Stable" if self.members else "Empty"

    def member(self, member_id: str) -> Member:
        """Raises UNKNOWN_MEMBER_ID."""
        return member_of(self.name, self.members, member_id)

    @property
    def topics(self) -> frozenset[str]:
        """What members read."""
        return frozenset(self._readers)

    def topics_with(self, member_id: str, topics: frozenset[str] | None) -> frozenset[str]:
        """What they would read if this member read `topics`, or (None) were not there."""
        known = self.members.get(member_id)
        before: frozenset[str] = frozenset() if known is None else known.topics
        gone = {each for each in before if self._readers[each] == 1}
        return (self.topics - gone) | (topics or frozenset())

    def put(self, member: Member) -> None:
        self._count(self.members.get(member.id), -1)
        self.members[member.id] = member
        self._count(member, 1)

    def remove(self, member_id: str) -> None:
        self._count(self.members.pop(member_id, None), -1)

    def _count(self, member: Member | None, by: int) -> None:
        for topic in member.topics if member is not None else ():
            count = self._readers.get(topic, 0) + by
            if count:
                self._readers[topic] = count
            else:
                del self._readers[topic]

    @property
    def state_partitions(self) -> StatePartitions:
        return partitions.NONE if self.partitions is None else self.partitions

    # -- core.groups.group.Group

    def check_commit(self, commit: Commit) -> None:
        self._has_no_offsets()

    def check_fetch(self, commit: Commit) -> None:
        self._has_no_offsets()

    def check_delete_offsets(self) -> None:
        self._has_no_offsets()

    def _has_no_offsets(self) -> NoReturn:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {self.name} is not a consumer group.")

    def subscribed(self, topic: str) -> bool:
        return topic in self._readers

    def check_delete(self) -> None:
        if self.members:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)

    def tombstones(self) -> Sequence[Record]:
        from ottla.core.groups.share import records

        return records.tombstones(self)

    def expiry(self) -> Expiry:
        return Expiry(may=False)

    def may_go(self, moment: Moment) -> bool:
        return False
