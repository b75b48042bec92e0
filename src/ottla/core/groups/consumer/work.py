"""What one request, or one alarm, does to one consumer group.

Records are gathered and count only once they are written. So a step that builds on the one before it is handed what that
one made: the member as it will be, the epoch as it will be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from ottla.core.coordination.ages import is_over
from ottla.core.coordination.contract import Decision, Moment, Record, Reply, Topic
from ottla.core.coordination.settings import Settings
from ottla.core.groups.assignors import ranges, uniform
from ottla.core.groups.assignors.spec import NO_PARTITIONS, Assignment, Assignor, Subscriber
from ottla.core.groups.consumer import records
from ottla.core.groups.consumer.group import ConsumerGroup, topics_read
from ottla.core.groups.consumer.member import Member, MemberState
from ottla.core.groups.consumer.reconciling import Aim, reconcile
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.ids import Uuid
from ottla.core.wire.declaration import Body

SESSION: Final = "consumer-session"
REBALANCE: Final = "consumer-rebalance"
JOIN: Final = "consumer-join"
SYNC: Final = "consumer-sync"

ASSIGNORS: Final[Mapping[str, Assignor]] = {"uniform": uniform.assign, "range": ranges.assign}


class Target(NamedTuple):
    """What a member is to have, and the epoch in which that was found."""

    epoch: int
    assignment: Assignment


class Work:
    """One turn at one group."""

    def __init__(self, state: State, group: ConsumerGroup, moment: Moment) -> None:
        self.state = state
        self.group = group
        self.moment = moment
        self.records: list[Record] = []
        self.replies: list[Reply] = []
        self.notes: list[str] = []
        self.removed: set[str] = set()
        """Members whose tombstones are among the records."""

    def decision(self) -> Decision:
        return Decision(self.records, self.replies, notes=self.notes)

    def reply(self, token: object, body: Body) -> None:
        self.replies.append(Reply(token, body))

    def members(self, member: Member | None = None) -> dict[str, Member]:
        """The members as they will be, this one included."""
        found = {each.id: each for each in self.group.members.values() if each.id not in self.removed}
        if member is not None:
            found[member.id] = member
        return found

    # -- alarms

    def alarm(self, what: str, member_id: str, within_ms: int) -> None:
        key = TimerKey(what, self.group.name, member_id)
        self.state.timers.set(key, self.moment.now + max(within_ms, 0))

    def alarm_once(self, what: str, member_id: str, within_ms: int) -> None:
        """The same, unless it is set."""
        if TimerKey(what, self.group.name, member_id) not in self.state.timers:
            self.alarm(what, member_id, within_ms)

    def no_alarm(self, what: str, member_id: str) -> None:
        self.state.timers.cancel(TimerKey(what, self.group.name, member_id))

    def expect(self, member: Member) -> None:
        """Hear of the member within its session timeout, or take it for lost."""
        if member.classic is not None:
            timeout = member.classic.session_timeout_ms
        else:
            timeout = self.state.setting(self.group.name, "consumer.session.timeout.ms")
        self.alarm(SESSION, member.id, timeout)

    # -- epochs

    def epoch_for(self, member: Member, *, bump: bool) -> int:
        """The group epoch with this member as it is now: a new one if `bump`, or if the topics it is about changed."""
        group = self.group
        found = self.state.hashes.of_group(topics_read(self.members(member).values(), group.patterns))
        group.checked = self.state.hashes.changes
        if group.has_old_metadata:
            self.records.append(records.no_old_metadata(group.name))
        if bump or found != group.metadata_hash:
            return self.new_epoch(found)
        return group.epoch

    def new_epoch(self, metadata_hash: int) -> int:
        epoch = self.group.epoch + 1
        self.records.append(records.group_epoch(self.group.name, epoch, metadata_hash))
        self.notes.append(f"Group {self.group.name} enters epoch={epoch}")
        return epoch

    # -- the target

    def target_for(self, member: Member, group_epoch: int) -> Target:
        """What this member is to have. Computed anew when the group epoch asks for it and the last time was long enough
        ago (`consumer.assignment.interval.ms`)."""
        group = self.group
        if group.assignment_epoch >= group_epoch or not self._may_assign():
            return Target(group.assignment_epoch, group.target(member.id, member.instance_id))
        members = self.members(member)
        found = self._assign(members)
        for member_id, assignment in found.items():
            if group.targets.get(member_id) != assignment:
                self.records.append(records.target(group.name, member_id, assignment))
        self.records.append(records.assignment_epoch(group.name, group_epoch, self.moment.wall))
        return Target(group_epoch, found.get(member.id, NO_PARTITIONS))

    def _may_assign(self) -> bool:
        interval: int = self.state.setting(self.group.name, "consumer.assignment.interval.ms")
        return is_over(self.moment, self.group.assigned_at, interval)

    def _assign(self, members: Mapping[str, Member]) -> dict[str, Assignment]:
        group, offered = self.group, offered_assignors(self.state.settings)
        name = group.preferred_assignor(members.values())
        assignor = ASSIGNORS[name if name in offered else offered[0]]
        topics: dict[str, Topic | None] = {}
        subscribers = {
            each.id: Subscriber(
                self._ids(group.topics_of(each), topics),
                each.instance_id,
                group.targets.get(each.id)
                or (NO_PARTITIONS if each.instance_id is None else group.target(each.id, each.instance_id)),
            )
            for each in members.values()
        }
        found = assignor(
            subscribers, {topic.id: topic.partitions for topic in topics.values() if topic is not None}
        )
        self.notes.append(f"Shared the partitions of group={group.name} among members={len(members)}")
        return found

    def _ids(self, names: Iterable[str], known: dict[str, Topic | None]) -> frozenset[Uuid]:
        """The ids of those topics that exist; `known` remembers who was asked for."""
        found = set()
        for name in names:
            if name not in known:
                known[name] = self.state.topics.named(name)
            topic = known[name]
            if topic is not None:
                found.add(topic.id)
        return frozenset(found)

    # -- reconciliation

    def reconciled(
        self, member: Member, target: Target, has: Assignment | None, *, subscription_changed: bool
    ) -> Member:
        """The member one step closer to its target, written down if that is a step."""
        if not subscription_changed and member.reconciled(target.epoch):
            return member
        aim = Aim(target.epoch, target.assignment, self._ids(self.group.topics_of(member), {}))
        after = reconcile(member, aim, has, self.group.taken, subscription_changed=subscription_changed)
        if after == member:
            return member
        self.records.append(records.current(self.group.name, after))
        if after.classic is None:
            if after.state is MemberState.UNREVOKED_PARTITIONS:
                self.alarm(REBALANCE, after.id, after.rebalance_timeout_ms)
            else:
                self.no_alarm(REBALANCE, after.id)
        return after

    # -- members go

    def remove(self, members: Collection[Member]) -> None:
        """They are out; the others share anew."""
        group = self.group
        for member in members:
            self.records += records.no_member(group.name, member.id)
            self.removed.add(member.id)
            for what in (SESSION, REBALANCE, JOIN, SYNC):
                self.no_alarm(what, member.id)
        rest = self.members().values()
        wanted = {each.pattern for each in rest}
        for pattern in {each.pattern for each in members} - wanted - {""}:
            self.records.append(records.no_pattern(group.name, pattern))
        self.new_epoch(self.state.hashes.of_group(topics_read(rest, group.patterns)))

    def replace(self, old: Member, new: Member) -> None:
        """A static member is back under another id; it takes over what it had."""
        group = self.group
        self.records += records.no_member(group.name, old.id)
        self.records.append(records.subscription(group.name, new))
        self.records.append(records.target(group.name, new.id, group.targets.get(old.id, NO_PARTITIONS)))
        self.records.append(records.current(group.name, new))
        self.removed.add(old.id)


def offered_assignors(settings: Settings) -> list[str]:
    """The names of the assignors that members may ask for, the default one first."""
    return [ASSIGNOR_CLASSES.get(name, name) for name in settings["group.consumer.assignors"]]


ASSIGNOR_CLASSES: Final[Mapping[str, str]] = {
    "org.apache.kafka.coordinator.group.assignor.UniformAssignor": "uniform",
    "org.apache.kafka.coordinator.group.assignor.RangeAssignor": "range",
}
"""The assignors by the names of Kafka's classes, which the setting also takes."""
