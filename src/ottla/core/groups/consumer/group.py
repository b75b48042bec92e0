"""A consumer group (KIP-848): the broker knows what everybody wants, shares the partitions itself, and leads each member
there at its own pace.

Three epochs tell how far things are. The *group epoch* grows when anything changes that bears on who gets what. The
*assignment epoch* is the group epoch for which the target was computed. The *member epoch* is the assignment epoch that a
member has reached.

    Empty ──> Assigning ──target computed──> Reconciling ──every member there──> Stable

All of it is hard state: it changes by records alone. Soft are `checked` and `resolving`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from ottla.core.coordination.contract import Moment, Record
from ottla.core.groups.assignors.spec import NO_PARTITIONS, Assignment
from ottla.core.groups.consumer import records
from ottla.core.groups.consumer.member import Member
from ottla.core.groups.group import Commit, Expiry, GroupKind, PartitionCheck, member_of
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid

PROTOCOL_TYPE: Final = "consumer"
FIRST_EPOCH: Final = 1
EPOCHS_IN_COMMITS: Final = 9
"""From this version on an OffsetCommit can carry a member epoch."""
NOT_LOOKED: Final = -1

Visible: TypeAlias = Callable[[Iterable[str]], set[str]]
"""Which of these topics the one who asks may know of."""


class ConsumerState(StrEnum):
    """As ListGroups and ConsumerGroupDescribe print it."""

    EMPTY = "Empty"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


class Resolved(NamedTuple):
    """The topics that a regular expression matched when it was last looked at: in which metadata, and when (monotonic ms)."""

    topics: frozenset[str]
    version: int
    at: int


class ConsumerGroup:
    """See `core.groups.group.Group`."""

    kind = GroupKind.CONSUMER
    protocol_type = PROTOCOL_TYPE

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0
        self.assignment_epoch = FIRST_EPOCH
        self.assigned_at: int | None = None
        """Monotonic ms; None where that is not known."""
        self.members: dict[str, Member] = {}
        self.targets: dict[str, Assignment] = {}
        self.static_members: dict[str, str] = {}
        """Instance id → member id."""
        self.patterns: dict[str, Resolved] = {}
        self.has_old_metadata = False
        """There is a record by which Kafka 4.0 kept what the hash replaces."""
        self.checked = NOT_LOOKED
        """`TopicHashes.changes` when the hash was last compared."""
        self.resolving: Visible | None = None
        """Set while the regular expressions are about to be resolved: by whose permissions."""
        self.resolved_changes = NOT_LOOKED
        """`TopicHashes.changes` when they last were."""
        self._owners: dict[tuple[Uuid, int], str] = {}
        self._readers: Counter[str] = Counter()

    # -- the opinion every group has

    @property
    def state(self) -> ConsumerState:
        if not self.members:
            return ConsumerState.EMPTY
        if self.epoch > self.assignment_epoch:
            return ConsumerState.ASSIGNING
        if all(member.reconciled(self.assignment_epoch) for member in self.members.values()):
            return ConsumerState.STABLE
        return ConsumerState.RECONCILING

    def check_commit(self, commit: Commit) -> PartitionCheck | None:
        """A commit of an older epoch counts for partitions that the member has had since then (KIP-1251)."""
        nobody = not commit.member_id and commit.instance_id is None
        if commit.epoch < 0 and not self.members:
            return None
        if commit.transactional and commit.epoch == -1 and nobody:
            return None
        member = self.member(commit.member_id)
        if not commit.transactional and member.classic is None and commit.version < EPOCHS_IN_COMMITS:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"Members of consumer groups commit with version {EPOCHS_IN_COMMITS} of OffsetCommit or above",
            )
        if commit.epoch == member.epoch:
            return None
        if commit.epoch > member.epoch:
            raise _stale(member, f"epoch {commit.epoch} is newer than that of the member, {member.epoch}")
        return lambda topic, partition: _check_since(member, commit.epoch, topic, partition)

    def check_fetch(self, commit: Commit) -> None:
        member = self.member(commit.member_id)
        if commit.epoch != member.epoch:
            raise _stale(member, f"epoch {commit.epoch} is not that of the member, {member.epoch}")

    def subscribed(self, topic: str) -> bool:
        return any(topic in member.topics for member in self.members.values()) or any(
            topic in each.topics for each in self.patterns.values()
        )

    def check_delete_offsets(self) -> None:
        """Topics that are not read are enough of a condition."""

    def check_delete(self) -> None:
        if self.members:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)

    def may_go(self, moment: Moment) -> bool:
        return not self.members

    def tombstones(self) -> list[Record]:
        return records.gone(self.name, self.members, self.patterns)

    def expiry(self) -> Expiry:
        return Expiry(True)

    # -- members

    def member(self, member_id: str) -> Member:
        """Raises UNKNOWN_MEMBER_ID."""
        return member_of(self.name, self.members, member_id)

    def static_member(self, instance_id: str | None) -> Member | None:
        member_id = None if instance_id is None else self.static_members.get(instance_id)
        return None if member_id is None else self.members.get(member_id)

    def target(self, member_id: str, instance_id: str | None = None) -> Assignment:
        """What a member is to have; a static one that comes back inherits."""
        if instance_id is not None:
            member_id = self.static_members.get(instance_id, "")
        return self.targets.get(member_id, NO_PARTITIONS)

    def taken(self, topic: Uuid, partition: int) -> bool:
        """Whether a member has the partition, or has not said that it gave it up."""
        return (topic, partition) in self._owners

    def put(self, member: Member) -> None:
        """The member is new, or is like this now."""
        self._withdraw(self.members.get(member.id))
        self.members[member.id] = member
        if member.pattern:
            self._readers[member.pattern] += 1
        for owned in (member.assigned, member.revoking):
            for topic, partitions in owned.items():
                for index in partitions:
                    self._owners[topic, index] = member.id
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.id

    def remove(self, member_id: str) -> None:
        member = self.members.pop(member_id, None)
        self._withdraw(member)
        instance_id = None if member is None else member.instance_id
        if instance_id is not None and self.static_members.get(instance_id) == member_id:
            del self.static_members[instance_id]

    def _withdraw(self, member: Member | None) -> None:
        if member is None:
            return
        if member.pattern:
            self._readers[member.pattern] -= 1
            if not self._readers[member.pattern]:
                del self._readers[member.pattern]
        for owned in (member.assigned, member.revoking):
            for topic, partitions in owned.items():
                for index in partitions:
                    if self._owners.get((topic, index)) == member.id:
                        del self._owners[topic, index]

    # -- what members want

    def pattern_readers(self, pattern: str) -> int:
        return self._readers[pattern]

    @property
    def reads_patterns(self) -> bool:
        return bool(self._readers)

    def preferred_assignor(self, members: Iterable[Member]) -> str | None:
        """The one that most of these members ask for; of two with as many, "uniform", as with Kafka."""
        votes = Counter(member.assignor for member in members if member.assignor is not None)
        return max(votes, key=lambda name: (votes[name], name)) if votes else None

    def topics_of(self, member: Member) -> frozenset[str]:
        """What a member reads, by name or because its pattern matches."""
        resolved = self.patterns.get(member.pattern) if member.pattern else None
        return member.topics if resolved is None else member.topics | resolved.topics


def topics_read(members: Iterable[Member], patterns: Mapping[str, Resolved]) -> set[str]:
    """The topics that any of these members reads."""
    found: set[str] = set()
    for member in members:
        found |= member.topics
        if member.pattern and (resolved := patterns.get(member.pattern)) is not None:
            found |= resolved.topics
    return found


def _stale(member: Member, what: str) -> KafkaError:
    """A wrong epoch, in the words of the protocol that the member speaks."""
    if member.classic is not None:
        return KafkaError(ErrorCode.ILLEGAL_GENERATION, f"The generation does not fit: {what}")
    return KafkaError(ErrorCode.STALE_MEMBER_EPOCH, f"The member epoch does not fit: {what}")


def _check_since(member: Member, epoch: int, topic: Uuid, partition: int) -> None:
    since = member.since(topic, partition)
    if since is None:
        raise _stale(member, f"partition {partition} is not the member's")
    if epoch < since:
        raise _stale(member, f"partition {partition} is the member's since {since}, not yet in {epoch}")
