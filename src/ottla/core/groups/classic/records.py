"""What the log holds of a classic group: made here, and applied here."""

from __future__ import annotations

from collections.abc import Mapping

from ottla.core.coordination.contract import Moment, Producer, Record
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.classic.member import Member
from ottla.core.groups.state import State
from ottla.core.wire.messages.records.offsets import GroupMetadataKey, GroupMetadataValue, MemberMetadata

NEWEST = 4


def metadata(group: ClassicGroup, assignments: Mapping[str, bytes]) -> Record:
    """The group as it is, with these assignments by member id."""
    value = GroupMetadataValue(
        protocol_type=group.protocol_type,
        generation=group.generation,
        protocol=group.protocol,
        leader=group.leader,
        current_state_timestamp=group.state_timestamp,
        members=[
            MemberMetadata(
                member_id=member.id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.metadata(group.protocol or ""),
                assignment=assignments.get(member.id, b""),
            )
            for member in group.members.values()
        ],
    )
    return Record(GroupMetadataKey(group=group.name), value, NEWEST)


def nothing_yet(group: ClassicGroup) -> Record:
    """That there is such a group, though it has no generation."""
    value = GroupMetadataValue(
        protocol_type="",
        generation=0,
        protocol=None,
        leader=None,
        current_state_timestamp=group.state_timestamp,
    )
    return Record(GroupMetadataKey(group=group.name), value, NEWEST)


def apply(
    state: State, moment: Moment, key: GroupMetadataKey, value: GroupMetadataValue | None, _: Producer | None
) -> None:
    known = state.groups.get(key.group)
    if value is None:
        # The name may belong to a group of another kind already.
        if isinstance(known, ClassicGroup):
            del state.groups[key.group]
        return
    if state.live and isinstance(known, ClassicGroup):
        _take_assignments(known, value, moment)
    else:
        state.groups[key.group] = _from_record(key.group, value)


def _take_assignments(group: ClassicGroup, value: GroupMetadataValue, moment: Moment) -> None:
    """The group wrote this itself: all but the assignments it knows already."""
    for each in value.members:
        member = group.members.get(each.member_id)
        if member is not None:
            member.assignment = each.assignment
    if value.members and group.state is ClassicState.COMPLETING_REBALANCE:
        group.become(ClassicState.STABLE, moment)


def _from_record(name: str, value: GroupMetadataValue) -> ClassicGroup:
    group = ClassicGroup(name)
    for each in value.members:
        timeout = each.rebalance_timeout if each.rebalance_timeout >= 0 else each.session_timeout
        member = Member(
            each.member_id,
            each.group_instance_id,
            each.client_id,
            each.client_host,
            timeout,
            each.session_timeout,
            [(value.protocol or "", each.subscription)],
            each.assignment,
        )
        group.add(member, value.protocol_type)
    group.protocol_type = value.protocol_type
    group.generation = value.generation
    group.protocol = value.protocol
    group.leader = value.leader
    group.state = group.previous_state = ClassicState.STABLE if value.members else ClassicState.EMPTY
    group.state_timestamp = value.current_state_timestamp
    group.read_subscriptions()
    return group
