"""ShareGroupHeartbeat: a member joins, stays, changes what it reads, leaves; or is not heard of any more."""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.core.coordination.ages import is_over
from ottla.core.coordination.contract import Call, Decision, Moment, Record, Reply, Request
from ottla.core.groups.share import records
from ottla.core.groups.share.assignor import assign
from ottla.core.groups.share.group import LEAVES, NOTHING_ASSIGNED, Assignment, Member, ShareGroup
from ottla.core.groups.share.initializing import begin
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.share_group_heartbeat import (
    Assignment as HeartbeatAssignment,
)
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
    TopicPartitions,
)

SESSION: Final = "share-session"
JOINS: Final = 0
"""The epoch with which a member joins, or joins again."""


def heartbeat(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """A request that `check` let pass. Raises KafkaError: GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED,
    UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH."""
    asked: ShareGroupHeartbeatRequest = request.body
    if asked.member_epoch == LEAVES:
        return _leave(state, token, asked)
    return _beat(state, moment, token, request, asked)


def check(asked: ShareGroupHeartbeatRequest) -> None:
    """What is wrong whatever the group: raises INVALID_REQUEST."""
    for value, name in (
        (asked.member_id, "MemberId"),
        (asked.group_id, "GroupId"),
        (asked.rack_id, "RackId"),
    ):
        if value is not None and not value.strip():
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"{name} can't be empty.")
    if asked.member_epoch == JOINS and not asked.subscribed_topic_names:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "SubscribedTopicNames must be set in first request.")
    if asked.member_epoch < LEAVES:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "MemberEpoch is invalid.")


def find(state: State, name: str, *, or_new: bool = False) -> ShareGroup:
    """Raises GROUP_ID_NOT_FOUND. A new group is not known to anybody yet."""
    group = state.groups.get(name)
    if group is None:
        if or_new:
            return ShareGroup(name)
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {name} not found.")
    if not isinstance(group, ShareGroup):
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {name} is not a share group.")
    return group


# -- staying


class _Shared(NamedTuple):
    """What is known while a heartbeat is decided: the group's next epochs, and the topics its members then read."""

    epoch: int
    topics: frozenset[str]
    target_epoch: int
    target: Assignment


def _beat(
    state: State, moment: Moment, token: object, request: Request, asked: ShareGroupHeartbeatRequest
) -> Decision:
    joins = asked.member_epoch == JOINS
    if not joins and asked.group_id not in state.groups:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Share group {asked.group_id} not found.")
    group = find(state, asked.group_id, or_new=True)
    before = _member(state, group, asked, joins=joins)
    member = before._replace(
        rack_id=before.rack_id if asked.rack_id is None else asked.rack_id,
        topics=before.topics
        if asked.subscribed_topic_names is None
        else frozenset(asked.subscribed_topic_names),
        client_id=request.client_id,
        client_host=request.client_host,
    )
    written: list[Record] = []
    if member != before:
        written.append(records.subscription(group.name, member))
    shared = _share(state, moment, group, before, member, written)
    changed = shared.epoch != group.epoch
    after = _reconciled(state, member, shared, changed=changed)
    if after != member:
        written.append(records.current(group.name, after))
    calls: list[Call] = []
    begun = begin(state, moment, group, shared.epoch, shared.topics)
    if begun is not None:
        written.append(begun.record)
        calls.append(begun.call)
    session = state.setting(group.name, "share.session.timeout.ms")
    state.timers.set(TimerKey(SESSION, group.name, member.id), moment.now + session)
    response = ShareGroupHeartbeatResponse(
        member_id=after.id,
        member_epoch=after.epoch,
        heartbeat_interval_ms=state.setting(group.name, "share.heartbeat.interval.ms"),
    )
    if joins or asked.subscribed_topic_names is not None or after.assigned != before.assigned:
        response.assignment = _told(after.assigned)
    return Decision(written, [Reply(token, response)], calls)


def _member(state: State, group: ShareGroup, asked: ShareGroupHeartbeatRequest, *, joins: bool) -> Member:
    """The member as it was, or a new one."""
    known = group.members.get(asked.member_id)
    most = state.settings["group.share.max.size"]
    if known is None and len(group.members) >= most:
        raise KafkaError(
            ErrorCode.GROUP_MAX_SIZE_REACHED,
            f"The share group has reached its maximum capacity of {most} members.",
        )
    if joins:
        return known or Member(asked.member_id)
    known = group.member(asked.member_id)
    if asked.member_epoch > known.epoch:
        raise _fenced(asked.member_epoch, "greater", known, "")
    if asked.member_epoch not in (known.epoch, known.previous_epoch):
        before = f", and it does not match the previous member epoch ({known.previous_epoch})"
        raise _fenced(asked.member_epoch, "smaller", known, before)
    return known


def _fenced(epoch: int, how: str, known: Member, more: str) -> KafkaError:
    return KafkaError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The share group member has a {how} member epoch ({epoch}) than the one known by the group "
        f"coordinator ({known.epoch}){more}. The member must abandon all its partitions and rejoin.",
    )


def _share(
    state: State, moment: Moment, group: ShareGroup, before: Member, member: Member, written: list[Record]
) -> _Shared:
    """Begin a new epoch where one is due, and share the partitions anew where that is due."""
    bumps = member.topics != before.topics or (
        group.assignment_epoch >= group.epoch and _unassigned(state, group)
    )
    epoch, topics = group.epoch, group.topics
    if bumps or group.looked_at != state.hashes.changes:
        topics = group.topics_with(member.id, member.topics)
        metadata_hash = state.hashes.of_group(topics)
        if bumps or metadata_hash != group.metadata_hash:
            epoch += 1
            written.append(records.epoch(group.name, epoch, metadata_hash))
        group.looked_at = state.hashes.changes
    if group.assignment_epoch >= epoch or not _assignment_due(state, moment, group):
        target = group.target.get(member.id, NOTHING_ASSIGNED)
        return _Shared(epoch, topics, group.assignment_epoch, target)
    assigned = _assigned(state, group, member)
    written += [
        records.target(group.name, each, assignment)
        for each, assignment in assigned.items()
        if group.target.get(each) != assignment
    ]
    written.append(records.target_epoch(group.name, epoch, moment.wall))
    return _Shared(epoch, topics, epoch, assigned[member.id])


def _unassigned(state: State, group: ShareGroup) -> bool:
    """Whether partitions that members read were initialized after the target was computed, or are not any more."""
    if not group.members:
        return False
    as_of = (group.assignment_epoch, state.hashes.changes, group.partitions)
    if group.complete_as_of == as_of:
        return False
    assigned: dict[Uuid, set[int]] = {}
    for assignment in group.target.values():
        for topic_id, partitions in assignment.items():
            assigned.setdefault(topic_id, set()).update(partitions)
    unassigned = any(
        group.subscribed(share.name)
        and frozenset(assigned.get(topic_id, ())) != share.partitions
        and state.topics.with_id(topic_id) is not None
        for topic_id, share in group.state_partitions.initialized.items()
    )
    if not unassigned:
        group.complete_as_of = as_of
    return unassigned


def _assignment_due(state: State, moment: Moment, group: ShareGroup) -> bool:
    return is_over(moment, group.assigned_at, state.setting(group.name, "share.assignment.interval.ms"))


def _assigned(state: State, group: ShareGroup, member: Member) -> dict[str, Assignment]:
    readers = {
        each.id: _topic_ids(state, each.topics) for each in ({**group.members, member.id: member}).values()
    }
    initialized: dict[Uuid, frozenset[int]] = {}
    for topic_id, share in group.state_partitions.initialized.items():
        topic = state.topics.with_id(topic_id)
        if topic is not None:
            initialized[topic_id] = share.partitions & frozenset(range(topic.partitions))
    return assign(readers, initialized, group.target)


def _topic_ids(state: State, names: frozenset[str]) -> frozenset[Uuid]:
    return frozenset(topic.id for each in names if (topic := state.topics.named(each)) is not None)


def _reconciled(state: State, member: Member, shared: _Shared, *, changed: bool) -> Member:
    """The member with its part of the target, as far as it still reads the topics."""
    if member.epoch == shared.target_epoch and not changed:
        return member
    read = _topic_ids(state, member.topics)
    assigned = {topic: partitions for topic, partitions in shared.target.items() if topic in read}
    if member.epoch == shared.target_epoch:
        return member._replace(assigned=assigned)
    return member._replace(epoch=shared.target_epoch, previous_epoch=member.epoch, assigned=assigned)


def _told(assigned: Assignment) -> HeartbeatAssignment:
    return HeartbeatAssignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in assigned.items()
        ]
    )


# -- leaving


def _leave(state: State, token: object, asked: ShareGroupHeartbeatRequest) -> Decision:
    group = find(state, asked.group_id)
    member = group.member(asked.member_id)
    response = ShareGroupHeartbeatResponse(member_id=asked.member_id, member_epoch=asked.member_epoch)
    return Decision(_removal(state, group, member), [Reply(token, response)])


def session_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    """The member was not heard of for its session timeout."""
    group = state.groups.get(key.group)
    if not isinstance(group, ShareGroup) or key.member not in group.members:
        return Decision()
    note = f"Removing member={key.member} of share group={key.group}: its session timed out"
    return Decision(_removal(state, group, group.members[key.member]), notes=[note])


def _removal(state: State, group: ShareGroup, member: Member) -> list[Record]:
    state.timers.cancel(TimerKey(SESSION, group.name, member.id))
    metadata_hash = state.hashes.of_group(group.topics_with(member.id, None))
    return [
        *records.member_tombstones(group.name, member.id),
        records.epoch(group.name, group.epoch + 1, metadata_hash),
    ]


def expect(state: State, moment: Moment, group: ShareGroup) -> None:
    """Members that the log knows have their session timeout to be heard of."""
    session = state.setting(group.name, "share.session.timeout.ms")
    for member_id in group.members:
        state.timers.set(TimerKey(SESSION, group.name, member_id), moment.now + session)
