"""A classic group: its members agree on an assignment by JoinGroup and SyncGroup, the broker keeps the minutes.

    Empty ──join──> PreparingRebalance ──all joined──> CompletingRebalance ──leader syncs──> Stable
      ^                    ^                                   │                               │
      └── the last leaves ─┴───────── a member joins or leaves ┴───────────────────────────────┘

A group without members and without a protocol is what remains of consumers that only commit offsets ("simple consumers").

What the log holds of a group is its last assignment: generation, protocol, leader, members. Everything between two
assignments is known to this node alone; when another takes over, the members join again.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

from ottla.core.coordination.contract import Moment, Record
from ottla.core.groups.classic.member import Member
from ottla.core.groups.classic.subscription import CONSUMER, subscribed_topics
from ottla.core.groups.group import Commit, Expiry, GroupKind
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.records.offsets import GroupMetadataKey


class ClassicState(StrEnum):
    """As ListGroups and DescribeGroups print it."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


NO_TIMESTAMP: Final = -1


class ClassicGroup:
    """See `core.groups.group.Group`. No method here sends or schedules anything; that is `rebalancing`."""

    kind = GroupKind.CLASSIC

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = ClassicState.EMPTY
        self.previous_state = ClassicState.EMPTY
        self.state_timestamp = NO_TIMESTAMP
        self.protocol_type = ""
        self.protocol: str | None = None
        self.generation = 0
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}
        """Instance id → member id."""
        self.pending_joins: set[str] = set()
        """Members that were given an id and have yet to join with it (KIP-394)."""
        self.pending_syncs: set[str] = set()
        self.new_member_added = False
        """Somebody joined during the initial delay, which is therefore drawn out."""
        self.topics: frozenset[str] | None = None
        """What the members of a group of type "consumer" subscribe to, where that can be read."""

    @property
    def is_simple(self) -> bool:
        """Whether it is but the name under which somebody committed offsets."""
        return not self.protocol_type and self.state is ClassicState.EMPTY and not self.pending_joins

    # -- the opinion every group has

    def check_commit(self, commit: Commit) -> None:
        if commit.epoch < 0 and self.state is ClassicState.EMPTY:
            return
        if commit.epoch >= 0 or commit.member_id or commit.instance_id is not None:
            self.check_member(commit.member_id, commit.instance_id)
            if commit.epoch != self.generation:
                raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
        elif not commit.transactional and self.state is not ClassicState.EMPTY:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        if not commit.transactional and self.state is ClassicState.COMPLETING_REBALANCE:
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)

    def check_fetch(self, commit: Commit) -> None:
        """Anybody may ask."""

    def check_delete_offsets(self) -> None:
        if self.members and self.protocol_type != CONSUMER:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)

    def subscribed(self, topic: str) -> bool:
        if self.topics is not None:
            return topic in self.topics
        return self.protocol_type == CONSUMER

    def check_delete(self) -> None:
        if self.state is not ClassicState.EMPTY:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)

    def may_go(self, moment: Moment) -> bool:
        return self.state is ClassicState.EMPTY and not self.pending_joins

    def tombstones(self) -> list[Record]:
        return [Record(GroupMetadataKey(group=self.name), None)]

    def expiry(self) -> Expiry:
        if not self.protocol_type:
            return Expiry(True)
        if self.state is ClassicState.EMPTY:
            return Expiry(True, None if self.state_timestamp == NO_TIMESTAMP else self.state_timestamp)
        reading = self.protocol_type == CONSUMER and self.topics is not None
        return Expiry(reading and self.state is ClassicState.STABLE)

    # -- members

    def check_member(self, member_id: str, instance_id: str | None) -> Member:
        """The member. Raises UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID."""
        if instance_id is not None:
            known = self.static_members.get(instance_id)
            if known is None:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
            if known != member_id:
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)
        member = self.members.get(member_id)
        if member is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return member

    def add(self, member: Member, protocol_type: str) -> None:
        if not self.members:
            self.protocol_type = protocol_type
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.id
        if self.leader is None:
            self.leader = member.id
        self.members[member.id] = member
        self.pending_joins.discard(member.id)

    def remove(self, member_id: str) -> Member | None:
        member = self.members.pop(member_id, None)
        if member is not None and member.instance_id is not None:
            self.static_members.pop(member.instance_id, None)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        self.pending_joins.discard(member_id)
        self.pending_syncs.discard(member_id)
        return member

    def replace_static(self, old_id: str, new_id: str) -> Member:
        """The member with an instance id is back under another member id (KIP-345); it keeps its assignment."""
        old = self.members.pop(old_id)
        assert old.instance_id is not None
        new = Member(
            new_id,
            old.instance_id,
            old.client_id,
            old.client_host,
            old.rebalance_timeout_ms,
            old.session_timeout_ms,
            old.protocols,
            old.assignment,
        )
        self.members[new_id] = new
        if self.leader == old_id:
            self.leader = new_id
        self.static_members[old.instance_id] = new_id
        return new

    @property
    def joining(self) -> int:
        """How many members' JoinGroup requests wait."""
        return sum(1 for member in self.members.values() if member.joining)

    @property
    def all_joined(self) -> bool:
        return not self.pending_joins and all(member.joining for member in self.members.values())

    @property
    def rebalance_timeout_ms(self) -> int:
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    def elect_joined_leader(self) -> bool:
        """Have a leader that has joined, the old one if it has. False when nobody has."""
        if self.leader is None:
            return False
        if self.members[self.leader].joining:
            return True
        joined = next((member.id for member in self.members.values() if member.joining), None)
        if joined is not None:
            self.leader = joined
        return joined is not None

    # -- protocols

    def speaks(self, protocol_type: str, protocols: list[tuple[str, bytes]]) -> bool:
        """Whether somebody with these protocols can be understood here."""
        if self.state is ClassicState.EMPTY:
            return bool(protocol_type and protocols)
        if protocol_type != self.protocol_type:
            return False
        # Its last member may have left while the next one has yet to join: then nobody is there to disagree.
        candidates = self._candidates()
        return not self.members or any(name in candidates for name, _ in protocols)

    def select_protocol(self) -> str:
        """The protocol most members like best among those all of them speak."""
        candidates = self._candidates()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    def _candidates(self) -> set[str]:
        spoken = Counter(name for member in self.members.values() for name, _ in member.protocols)
        return {name for name, count in spoken.items() if count == len(self.members)}

    def read_subscriptions(self) -> None:
        """Know `topics` anew."""
        self.topics = None
        if self.protocol_type == CONSUMER and (not self.members or self.protocol is not None):
            self.topics = subscribed_topics(
                member.metadata(self.protocol or "") for member in self.members.values()
            )

    # -- states

    def become(self, state: ClassicState, moment: Moment) -> None:
        self.previous_state, self.state = self.state, state
        self.state_timestamp = moment.wall

    def next_generation(self, moment: Moment) -> None:
        self.generation += 1
        self.protocol = self.select_protocol() if self.members else None
        self.read_subscriptions()
        self.become(ClassicState.COMPLETING_REBALANCE if self.members else ClassicState.EMPTY, moment)
        self.pending_syncs.clear()
