"""SyncGroup, Heartbeat, LeaveGroup: what a member of a generation does until the next one."""

from __future__ import annotations

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.classic.rebalancing import SYNC, Work
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)
from ottla.core.wire.messages.sync_group import SyncGroupRequest


def _known(state: State, name: str) -> ClassicGroup:
    group = state.groups.get(name)
    if not isinstance(group, ClassicGroup):
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    return group


def sync(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: SyncGroupRequest = request.body
    group = _known(state, body.group_id)
    if group.state is ClassicState.EMPTY:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    member = group.check_member(body.member_id, body.group_instance_id)
    if body.generation_id != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    if body.protocol_type not in (None, group.protocol_type) or body.protocol_name not in (
        None,
        group.protocol,
    ):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if group.state is ClassicState.PREPARING_REBALANCE:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    work = Work(state, group, moment)
    group.pending_syncs.discard(member.id)
    if not group.pending_syncs:
        state.timers.cancel(TimerKey(SYNC, group.name))
    if group.state is ClassicState.STABLE:
        work.reply(token, work.share(member))
    else:
        member.sync_token = token
        if group.leader == member.id:
            work.assign({each.member_id: bytes(each.assignment) for each in body.assignments})
    return work.decision()


def heartbeat(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: HeartbeatRequest = request.body
    group = _known(state, body.group_id)
    member = group.check_member(body.member_id, body.group_instance_id)
    if body.generation_id != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    work = Work(state, group, moment)
    work.expect(member)
    preparing = group.state is ClassicState.PREPARING_REBALANCE
    code = ErrorCode.REBALANCE_IN_PROGRESS if preparing else ErrorCode.NONE
    work.reply(token, HeartbeatResponse(error_code=code))
    return work.decision()


def leave(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """Each member stands for itself. One without a member id is removed by its instance id: the admin's way."""
    body: LeaveGroupRequest = request.body
    group = state.groups.get(body.group_id)
    if not isinstance(group, ClassicGroup):
        nobody = [_answer(each, ErrorCode.UNKNOWN_MEMBER_ID) for each in body.members]
        return Decision(replies=[Reply(token, LeaveGroupResponse(members=nobody))])
    work = Work(state, group, moment)
    answers = [_answer(each, _leave(work, each)) for each in body.members]
    left = [each.member_id for each in answers if not each.error_code]
    if left:
        work.without(f"explicit LeaveGroup request of {', '.join(left)}")
    work.reply(token, LeaveGroupResponse(members=answers))
    return work.decision()


def _answer(who: MemberIdentity, code: ErrorCode) -> MemberResponse:
    return MemberResponse(member_id=who.member_id, group_instance_id=who.group_instance_id, error_code=code)


def _leave(work: Work, who: MemberIdentity) -> ErrorCode:
    group = work.group
    member_id = who.member_id
    if not member_id:
        known = group.static_members.get(who.group_instance_id or "")
        if known is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        member_id = known
    elif member_id not in group.pending_joins:
        try:
            group.check_member(member_id, who.group_instance_id)
        except KafkaError as error:
            return error.code
    reason = who.reason or "not provided"
    work.notes.append(f"Member {member_id} leaves group={group.name}; client reason: {reason}")
    work.forget(member_id)
    return ErrorCode.NONE
