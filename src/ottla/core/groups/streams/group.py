"""A streams group (KIP-1071): the broker knows the topology of a Kafka Streams application, creates the topics it needs,
and shares its tasks among its members.

As in consumer groups three epochs tell how far things are: the *group epoch* grows when anything changes that bears on who
gets what, the *assignment epoch* is the group epoch for which the target was computed, the *member epoch* the assignment
epoch that a member has reached.

    Empty ──> NotReady ──topics are as they must be──> Assigning ──target──> Reconciling ──every member there──> Stable
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ottla.core.coordination.contract import Moment, Record, Topics
from ottla.core.groups.group import Commit, Expiry, GroupKind, PartitionCheck, member_of
from ottla.core.groups.streams import records
from ottla.core.groups.streams.member import Member
from ottla.core.groups.streams.shaping import Shaped
from ottla.core.groups.streams.tasks import NO_TASKS, Task, Tasks, each
from ottla.core.groups.streams.topology import Topology
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.streams_group_heartbeat import EndpointToPartitions

FIRST_EPOCH: Final = 1
EPOCHS_IN_COMMITS: Final = 9
"""From this version on an OffsetCommit can carry a member epoch."""
NOT_LOOKED: Final = -1
NOBODY: Final[frozenset[str]] = frozenset()


class StreamsState(StrEnum):
    """As ListGroups and StreamsGroupDescribe print it."""

    EMPTY = "Empty"
    NOT_READY = "NotReady"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


class StreamsGroup:
    """See `core.groups.group.Group`."""

    kind = GroupKind.STREAMS
    protocol_type = "streams"

    def __init__(self, name: str, topics: Topics) -> None:
        self.name = name
        self.topics = topics
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0
        self.validated_topology_epoch = 0
        """The topology epoch whose topics are as they must be; -1 if they are not."""
        self.last_configs: Mapping[str, str] = {}
        """The group configs that the last target was computed with."""
        self.assignment_epoch = FIRST_EPOCH
        self.assigned_at: int | None = None
        """Monotonic ms; None where that is not known."""
        self.topology: Topology | None = None
        self.members: dict[str, Member] = {}
        self.targets: dict[str, Tasks] = {}
        self._active: dict[Task, str] = {}
        self._standby: dict[Task, frozenset[str]] = {}
        self._warmup: dict[Task, frozenset[str]] = {}
        # Soft:
        self.checked = NOT_LOOKED
        """`TopicHashes.changes` when the topics were last looked at."""
        self.shaped: Shaped | None = None
        self.shutdown_by: str | None = None
        """The member that wants the whole application to stop."""
        self.endpoint_epoch = 0
        """Grows when a member that answers queries gets other tasks."""
        self.endpoints: dict[str, EndpointToPartitions] = {}
        """What is told of members' endpoints, until it changes."""

    # -- the opinion every group has

    @property
    def state(self) -> StreamsState:
        if not self.members:
            return StreamsState.EMPTY
        if self.topology is None or self.topology.epoch != self.validated_topology_epoch:
            return StreamsState.NOT_READY
        if self.epoch > self.assignment_epoch:
            return StreamsState.ASSIGNING
        if all(member.reconciled(self.assignment_epoch) for member in self.members.values()):
            return StreamsState.STABLE
        return StreamsState.RECONCILING

    def check_commit(self, commit: Commit) -> PartitionCheck | None:
        """A commit of an older epoch counts for tasks that the member has had since then."""
        if commit.epoch < 0 and not self.members:
            return None
        nobody = not commit.member_id and commit.instance_id is None
        if commit.transactional and commit.epoch == -1 and nobody:
            return None
        member = self.member(commit.member_id)
        if not commit.transactional and commit.version < EPOCHS_IN_COMMITS:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"OffsetCommit version {EPOCHS_IN_COMMITS} or above must be used "
                "by members using the streams group protocol",
            )
        if commit.epoch == member.epoch:
            return None
        if commit.epoch > member.epoch:
            raise _stale(
                f"Received member epoch {commit.epoch} is newer than current member epoch {member.epoch}."
            )
        return self._check_since(member, commit.epoch)

    def _check_since(self, member: Member, epoch: int) -> PartitionCheck:
        readers = {} if self.topology is None else self.topology.readers

        def check(topic_id: Uuid, partition: int) -> None:
            topic = self.topics.with_id(topic_id)
            subtopology = None if topic is None else readers.get(topic.name)
            if subtopology is None:
                raise _stale("Topic is not in the topology.")
            held = (
                each.active.get(subtopology, {}).get(partition) for each in (member.assigned, member.revoking)
            )
            since = next((one for one in held if one is not None), None)
            if since is None:
                raise _stale(
                    f"Task {subtopology}-{partition} is not assigned or pending revocation for member."
                )
            if epoch < since:
                raise _stale(
                    f"Received member epoch {epoch} is older than assignment epoch {since} "
                    f"for task {subtopology}-{partition}."
                )

        return check

    def check_fetch(self, commit: Commit) -> None:
        if not commit.member_id and commit.epoch < 0:
            return
        member = self.member(commit.member_id)
        if commit.epoch != member.epoch:
            raise _stale(
                f"The received member epoch {commit.epoch} does not match "
                f"the expected member epoch {member.epoch}."
            )

    def subscribed(self, topic: str) -> bool:
        return bool(self.members) and self.topology is not None and topic in self.topology.readers

    def check_delete_offsets(self) -> None:
        """Topics that are not read are enough of a condition."""

    def check_delete(self) -> None:
        if self.members:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)

    def may_go(self, moment: Moment) -> bool:
        return not self.members

    def tombstones(self) -> list[Record]:
        return records.gone(self.name, self.members)

    def expiry(self) -> Expiry:
        return Expiry(True)

    # -- members

    def member(self, member_id: str) -> Member:
        """Raises UNKNOWN_MEMBER_ID."""
        return member_of(self.name, self.members, member_id)

    def target(self, member_id: str) -> Tasks:
        return self.targets.get(member_id, NO_TASKS)

    def put(self, member: Member) -> None:
        """The member is new, or is like this now."""
        self._release(self.members.get(member.id))
        self.members[member.id] = member
        for held in (member.assigned, member.revoking):
            for task in each(held.active):
                self._active[task] = member.process_id
            for copies, tasks in ((self._standby, held.standby), (self._warmup, held.warmup)):
                for task in each(tasks):
                    copies[task] = copies.get(task, NOBODY) | {member.process_id}
        self.endpoints.pop(member.id, None)

    def remove(self, member_id: str) -> None:
        self._release(self.members.pop(member_id, None))
        self.endpoints.pop(member_id, None)
        if not self.members:
            self.shutdown_by = None

    def _release(self, member: Member | None) -> None:
        """What a member held is not held by it any more; what another process has taken since stays."""
        if member is None:
            return
        for held in (member.assigned, member.revoking):
            for task in each(held.active):
                if self._active.get(task) == member.process_id:
                    del self._active[task]
            for copies, tasks in ((self._standby, held.standby), (self._warmup, held.warmup)):
                for task in each(tasks):
                    left = copies.get(task, NOBODY) - {member.process_id}
                    if left:
                        copies[task] = left
                    else:
                        copies.pop(task, None)

    # -- who holds a task: `reconciling.Holders`

    def active_at(self, task: Task) -> str | None:
        return self._active.get(task)

    def standby_at(self, task: Task) -> frozenset[str]:
        return self._standby.get(task, NOBODY)

    def warmup_at(self, task: Task) -> frozenset[str]:
        return self._warmup.get(task, NOBODY)


def _stale(text: str) -> KafkaError:
    return KafkaError(ErrorCode.STALE_MEMBER_EPOCH, text)
