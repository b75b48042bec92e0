"""From classic group to consumer group and back, while members live.

A classic group whose members speak the consumers' embedded protocol becomes a consumer group when the first member comes with
a ConsumerGroupHeartbeat; those it has stay as they are, classic members of a consumer group. When the last that speaks the
new protocol goes, it becomes a classic group again. Which way is open says `group.consumer.migration.policy`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ottla.core.coordination.contract import Decision, Moment
from ottla.core.groups.assignors.spec import Assignment
from ottla.core.groups.classic import rebalancing
from ottla.core.groups.classic import records as classic_records
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.classic.member import Member as ClassicMember
from ottla.core.groups.classic.subscription import CONSUMER
from ottla.core.groups.consumer import embedded, records
from ottla.core.groups.consumer.group import ConsumerGroup, topics_read
from ottla.core.groups.consumer.member import ClassicTraits, Member
from ottla.core.groups.consumer.work import JOIN, REBALANCE, SESSION, SYNC, Work
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.messages.join_group import JoinGroupResponse
from ottla.core.wire.messages.sync_group import SyncGroupResponse

UPGRADE: Final = ("upgrade", "bidirectional")
DOWNGRADE: Final = ("downgrade", "bidirectional")
DISABLED: Final = "disabled"


def policy(state: State) -> str:
    name: str = state.settings["group.consumer.migration.policy"]
    return name.lower()


# -- up


def upgraded(state: State, moment: Moment, classic: ClassicGroup) -> Work:
    """Work at the consumer group that a classic one becomes. Raises KafkaError (GROUP_ID_NOT_FOUND) when it cannot."""
    reason = _against_upgrade(state, classic)
    if reason:
        raise _no_upgrade(classic, reason)
    group = ConsumerGroup(classic.name)
    group.epoch = group.assignment_epoch = classic.generation
    work = Work(state, group, moment)
    work.records += classic.tombstones()
    try:
        for old in classic.members.values():
            member, target = _risen(state, classic, old)
            group.put(member)
            group.targets[member.id] = target
    except DecodeError as error:
        raise _no_upgrade(classic, f"its embedded consumer protocol is malformed: {error}") from error
    group.metadata_hash = state.hashes.of_group(topics_read(group.members.values(), {}))
    _write(work)
    _send_back(work, classic)
    for member in group.members.values():
        work.expect(member)
    work.notes.append(f"The classic group {group.name} becomes a consumer group")
    return work


def _against_upgrade(state: State, classic: ClassicGroup) -> str:
    if policy(state) not in UPGRADE:
        return "group.consumer.migration.policy does not allow it"
    if classic.protocol_type != CONSUMER:
        return "its members do not speak the embedded protocol of consumers"
    if len(classic.members) > state.settings["group.consumer.max.size"]:
        return "it has more members than group.consumer.max.size allows"
    return ""


def _no_upgrade(classic: ClassicGroup, reason: str) -> KafkaError:
    return KafkaError(
        ErrorCode.GROUP_ID_NOT_FOUND,
        f"The classic group {classic.name} cannot become a consumer group: {reason}",
    )


def _risen(state: State, classic: ClassicGroup, old: ClassicMember) -> tuple[Member, Assignment]:
    """A classic member as one of a consumer group, with what it was given last. Raises DecodeError, KafkaError."""
    told = embedded.subscription(old.metadata(classic.protocol or classic.select_protocol()))
    given = embedded.assignment(old.assignment)
    if given.user_data:
        raise _no_upgrade(classic, "its assignor keeps data of its own, which would be lost")
    target = embedded.given(given, state.topics)
    epoch = classic.generation
    member = Member(
        old.id,
        epoch,
        epoch,
        instance_id=old.instance_id,
        rack=told.rack_id or None,
        rebalance_timeout_ms=old.rebalance_timeout_ms,
        client_id=old.client_id,
        client_host=old.client_host,
        topics=frozenset(told.topics),
        assigned={topic: dict.fromkeys(partitions, epoch) for topic, partitions in target.items()},
        classic=ClassicTraits(old.session_timeout_ms, tuple(old.protocols)),
    )
    return member, target


def _write(work: Work) -> None:
    """The records that make the group what it is."""
    group = work.group
    work.records += [records.subscription(group.name, each) for each in group.members.values()]
    work.records.append(records.group_epoch(group.name, group.epoch, group.metadata_hash))
    work.records += [records.target(group.name, each, target) for each, target in group.targets.items()]
    work.records.append(records.assignment_epoch(group.name, group.assignment_epoch, 0))
    work.records += [records.current(group.name, each) for each in group.members.values()]


def _send_back(work: Work, classic: ClassicGroup) -> None:
    """Members that wait to join or sync are told to begin again."""
    waiting = rebalancing.Work(work.state, classic, work.moment)
    for member in classic.members.values():
        waiting.joined(
            member,
            JoinGroupResponse(
                error_code=ErrorCode.REBALANCE_IN_PROGRESS, member_id=member.id, protocol_name=None
            ),
        )
        waiting.synced(member, SyncGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
    work.replies += waiting.replies


# -- down


def leave_group(work: Work, leaving: Collection[Member]) -> Decision:
    """Members go. If only classic ones stay, the group becomes a classic one."""
    gone = {member.id for member in leaving}
    rest = [member for member in work.group.members.values() if member.id not in gone]
    if rest and may_downgrade(work, rest):
        return downgraded(work, rest, {}, "the last member with the consumer protocol has left")
    work.remove(leaving)
    return work.decision()


def may_downgrade(work: Work, rest: Collection[Member]) -> bool:
    return (
        all(member.classic is not None for member in rest)
        and policy(work.state) in DOWNGRADE
        and len(rest) <= work.state.settings["group.max.size"]
    )


def downgraded(
    work: Work, rest: Collection[Member], replaced: dict[str, str], rebalance: str | None
) -> Decision:
    """The group as a classic one with these members; what they are to have is their assignment. `replaced` maps the member
    id of one that came back to its old id. With a reason to `rebalance` they are asked to join again."""
    state, group = work.state, work.group
    ids = [*group.members, *replaced]
    work.records += records.gone(
        group.name, [each for each in ids if each not in work.removed], group.patterns
    )
    classic = ClassicGroup(group.name)
    classic.generation = group.epoch
    classic.state = classic.previous_state = ClassicState.STABLE
    classic.state_timestamp = work.moment.wall
    for member in rest:
        assert member.classic is not None, "only classic members remain in a classic group"
        classic.add(
            ClassicMember(
                member.id,
                member.instance_id,
                member.client_id,
                member.client_host,
                member.rebalance_timeout_ms,
                member.classic.session_timeout_ms,
                list(member.classic.protocols),
            ),
            CONSUMER,
        )
    classic.protocol = classic.select_protocol()
    classic.read_subscriptions()
    for each in classic.members.values():
        target = group.targets.get(replaced.get(each.id, each.id), {})
        version = embedded.version_of(each.metadata(classic.protocol))
        each.assignment = embedded.assignment_bytes(target, state.topics, version)
    work.records.append(
        classic_records.metadata(classic, {each.id: each.assignment for each in classic.members.values()})
    )
    state.groups[group.name] = classic
    for member_id in ids:
        for what in (SESSION, REBALANCE, JOIN, SYNC):
            work.no_alarm(what, member_id)
    turn = rebalancing.Work(state, classic, work.moment)
    for each in classic.members.values():
        turn.expect(each)
    if rebalance is not None:
        turn.prepare(f"the consumer group became a classic one: {rebalance}")
    work.notes.append(f"The consumer group {group.name} becomes a classic group")
    return Decision(
        [*work.records, *turn.records], [*work.replies, *turn.replies], notes=[*work.notes, *turn.notes]
    )
