"""The four requests of the classic protocol, for whichever kind of group they meet.

A classic group gathers its members; a consumer group serves classic members one by one. An empty group of another kind
makes way for a classic one.
"""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.contract import Decision, Moment, Request
from ottla.core.groups.classic import joining, membership
from ottla.core.groups.consumer import classic_members
from ottla.core.groups.consumer.group import ConsumerGroup, ConsumerState
from ottla.core.groups.group import Group, GroupKind
from ottla.core.groups.state import State
from ottla.core.wire.messages.heartbeat import HeartbeatRequest
from ottla.core.wire.messages.join_group import JoinGroupRequest
from ottla.core.wire.messages.leave_group import LeaveGroupRequest
from ottla.core.wire.messages.sync_group import SyncGroupRequest

MAKES_WAY: Final = (GroupKind.CONSUMER, GroupKind.STREAMS)


def join(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: JoinGroupRequest = request.body
    group = state.groups.get(body.group_id)
    if isinstance(group, ConsumerGroup) and group.members:
        return classic_members.join(state, moment, group, token, request)
    if group is None or body.member_id or not _makes_way(group):
        return joining.join(state, moment, token, request)
    tombstones = group.tombstones()
    del state.groups[group.name]
    decision = joining.join(state, moment, token, request)
    return decision._replace(
        records=[*tombstones, *decision.records],
        notes=[f"The empty {group.kind} group {group.name} becomes a classic group", *decision.notes],
    )


def _makes_way(group: Group) -> bool:
    return group.kind in MAKES_WAY and group.state == ConsumerState.EMPTY


def sync(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: SyncGroupRequest = request.body
    group = state.groups.get(body.group_id)
    if isinstance(group, ConsumerGroup):
        return classic_members.sync(state, moment, group, token, request)
    return membership.sync(state, moment, token, request)


def heartbeat(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: HeartbeatRequest = request.body
    group = state.groups.get(body.group_id)
    if isinstance(group, ConsumerGroup):
        return classic_members.heartbeat(state, moment, group, token, request)
    return membership.heartbeat(state, moment, token, request)


def leave(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: LeaveGroupRequest = request.body
    group = state.groups.get(body.group_id)
    if isinstance(group, ConsumerGroup):
        return classic_members.leave(state, moment, group, token, request)
    return membership.leave(state, moment, token, request)


REQUESTS: Final[dict[Any, Any]] = {
    JoinGroupRequest: join,
    SyncGroupRequest: sync,
    HeartbeatRequest: heartbeat,
    LeaveGroupRequest: leave,
}
RECORDS: Final[dict[Any, Any]] = {}
ALARMS: Final[dict[Any, Any]] = {}


def loaded(state: State, moment: Moment) -> None:
    """The groups themselves wait for time."""
