"""Members of a consumer group that speak the classic protocol: what JoinGroup, SyncGroup, Heartbeat and LeaveGroup mean to
them.

Such a member does in two requests what others do in one. It joins to enter the epoch there is and syncs to hear what it has;
a Heartbeat tells it when to join again. Nobody waits for anybody: every request is answered at once.
"""

from __future__ import annotations

from collections import Counter

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.classic.joining import REQUIRES_KNOWN_ID
from ottla.core.groups.classic.member import spoken
from ottla.core.groups.consumer import embedded, patterns, records
from ottla.core.groups.consumer.crossing import DISABLED, downgraded, leave_group, may_downgrade, policy
from ottla.core.groups.consumer.group import PROTOCOL_TYPE, ConsumerGroup
from ottla.core.groups.consumer.heartbeat import check_room, check_static, taking_over
from ottla.core.groups.consumer.member import ClassicTraits, Member, MemberState
from ottla.core.groups.consumer.work import JOIN, SYNC, Target, Work
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.messages.consumer_protocol import ConsumerProtocolSubscription
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse
from ottla.core.wire.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse

# -- join


def join(state: State, moment: Moment, group: ConsumerGroup, token: object, request: Request) -> Decision:
    try:
        return _Joining(Work(state, group, moment), token, request).decide()
    except KafkaError as error:
        # Who is refused here hears nothing of an id, not even its own.
        return Decision(replies=[Reply(token, JoinGroupResponse(error_code=error.code, protocol_name=None))])


class _Joining:
    """One JoinGroup to a consumer group that has members."""

    def __init__(self, work: Work, token: object, request: Request) -> None:
        self.work = work
        self.group = work.group
        self.token = token
        self.request = request
        self.body: JoinGroupRequest = request.body
        self.protocols = spoken(self.body.protocols)
        self.unknown = not self.body.member_id
        self.member_id = self.body.member_id or request.fresh

    def decide(self) -> Decision:
        work, body = self.work, self.body
        if policy(work.state) == DISABLED:
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "classic members may not join this group")
        check_room(work, self.member_id, body.group_instance_id)
        self._check_protocols()
        if self.unknown and body.group_instance_id is None and self.request.version >= REQUIRES_KNOWN_ID:
            answer = JoinGroupResponse(
                error_code=ErrorCode.MEMBER_ID_REQUIRED, member_id=self.member_id, protocol_name=None
            )
            return Decision(replies=[Reply(self.token, answer)])
        told = self._told()
        static = self.group.static_member(body.group_instance_id)
        rest = [each for each in self.group.members.values() if each is not static]
        before = self._member(static)
        after = self._changed(before, told)
        downgrade = static is not None and static.classic is None and may_downgrade(work, [*rest, after])
        return self._enter(before, after, told, static if downgrade else None, rest)

    def _check_protocols(self) -> None:
        classic = [each.classic for each in self.group.members.values() if each.classic is not None]
        spoken_by = Counter(name for each in classic for name, _ in each.protocols)
        understood = any(spoken_by[name] == len(classic) for name, _ in self.protocols)
        if self.body.protocol_type != PROTOCOL_TYPE or not understood:
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)

    def _told(self) -> ConsumerProtocolSubscription:
        try:
            return embedded.subscription(self.protocols[0][1])
        except DecodeError as error:
            raise KafkaError(
                ErrorCode.INCONSISTENT_GROUP_PROTOCOL, f"the embedded protocol is malformed: {error}"
            ) from error

    def _member(self, static: Member | None) -> Member:
        group, instance_id = self.group, self.body.group_instance_id
        if instance_id is None:
            return group.members.get(self.member_id) or Member(self.member_id)
        if not self.unknown:
            return check_static(static, self.member_id, instance_id)
        return Member(self.member_id) if static is None else taking_over(self.work, static, self.member_id)

    def _changed(self, member: Member, told: ConsumerProtocolSubscription) -> Member:
        body = self.body
        timeout = body.rebalance_timeout_ms
        return member._replace(
            instance_id=member.instance_id if body.group_instance_id is None else body.group_instance_id,
            rack=told.rack_id or member.rack,
            rebalance_timeout_ms=member.rebalance_timeout_ms if timeout == -1 else timeout,
            topics=frozenset(told.topics),
            pattern="",
            client_id=self.request.client_id,
            client_host=self.request.client_host,
            classic=ClassicTraits(body.session_timeout_ms, tuple(self.protocols)),
        )

    def _enter(
        self,
        before: Member,
        after: Member,
        told: ConsumerProtocolSubscription,
        downgrading: Member | None,
        rest: list[Member],
    ) -> Decision:
        work, group = self.work, self.group
        if after != before:
            work.records.append(records.subscription(group.name, after))
        repatterned = patterns.noticed(work, before, after) is not patterns.Change.NONE
        bump = after.topics != before.topics or repatterned
        epoch = group.epoch
        if bump or group.checked != work.state.hashes.changes:
            epoch = work.epoch_for(after, bump=bump)
        has = embedded.owned(told, work.state.topics)
        if downgrading is not None:
            stale = group.assignment_epoch < epoch
            if not stale:
                target = Target(group.assignment_epoch, group.target(after.id, after.instance_id))
                after = work.reconciled(after, target, has, subscription_changed=bump)
            work.reply(self.token, self._answer(after))
            reason = "its assignment is older than its subscriptions" if stale else None
            return downgraded(work, [*rest, after], {after.id: downgrading.id}, reason)
        target = work.target_for(after, epoch)
        after = work.reconciled(after, target, has, subscription_changed=bump)
        work.no_alarm(JOIN, after.id)
        work.expect(after)
        work.alarm(SYNC, after.id, self.body.rebalance_timeout_ms)
        work.notes.append(f"Member {after.id} joins consumer group={group.name} by the classic protocol")
        work.reply(self.token, self._answer(after))
        return work.decision()

    def _answer(self, member: Member) -> JoinGroupResponse:
        return JoinGroupResponse(
            generation_id=member.epoch,
            protocol_type=PROTOCOL_TYPE,
            protocol_name=self.protocols[0][0],
            member_id=member.id,
        )


# -- the rest


def sync(state: State, moment: Moment, group: ConsumerGroup, token: object, request: Request) -> Decision:
    body: SyncGroupRequest = request.body
    work = Work(state, group, moment)
    member, traits = _known(group, body.member_id, body.group_instance_id)
    _check_generation(member, body.generation_id)
    protocol, metadata = traits.protocols[0]
    if body.protocol_type not in (None, PROTOCOL_TYPE) or body.protocol_name not in (None, protocol):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    behind = group.assignment_epoch > member.epoch
    if behind and member.state is not MemberState.UNREVOKED_PARTITIONS:
        work.alarm_once(JOIN, member.id, member.rebalance_timeout_ms)
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    work.no_alarm(SYNC, member.id)
    work.expect(member)
    share = {topic: frozenset(partitions) for topic, partitions in member.assigned.items()}
    answer = SyncGroupResponse(
        protocol_type=body.protocol_type,
        protocol_name=body.protocol_name,
        assignment=embedded.assignment_bytes(share, state.topics, embedded.version_of(metadata)),
    )
    work.reply(token, answer)
    return work.decision()


def heartbeat(
    state: State, moment: Moment, group: ConsumerGroup, token: object, request: Request
) -> Decision:
    body: HeartbeatRequest = request.body
    work = Work(state, group, moment)
    member, _ = _known(group, body.member_id, body.group_instance_id)
    _check_generation(member, body.generation_id)
    work.expect(member)
    code = ErrorCode.NONE
    if (
        member.epoch < group.assignment_epoch
        or member.state is MemberState.UNREVOKED_PARTITIONS
        or (member.state is MemberState.UNRELEASED_PARTITIONS and not _waits(group, member))
    ):
        code = ErrorCode.REBALANCE_IN_PROGRESS
        work.alarm_once(JOIN, member.id, member.rebalance_timeout_ms)
    work.reply(token, HeartbeatResponse(error_code=code))
    return work.decision()


def _waits(group: ConsumerGroup, member: Member) -> bool:
    """Whether something it is to have is still with another member."""
    return any(
        index not in member.assigned.get(topic, {}) and group.taken(topic, index)
        for topic, partitions in group.target(member.id).items()
        for index in partitions
    )


def leave(state: State, moment: Moment, group: ConsumerGroup, token: object, request: Request) -> Decision:
    """Each member stands for itself. One without a member id is removed by its instance id: the admin's way."""
    body: LeaveGroupRequest = request.body
    work = Work(state, group, moment)
    leaving: dict[str, Member] = {}
    answers: list[MemberResponse] = []
    for each in body.members:
        code = ErrorCode.NONE
        try:
            member = _leaving(group, each)
            leaving[member.id] = member
            reason = each.reason or "not provided"
            work.notes.append(f"Member {member.id} leaves group={group.name}; client reason: {reason}")
        except KafkaError as error:
            code = error.code
        answers.append(
            MemberResponse(
                member_id=each.member_id, group_instance_id=each.group_instance_id, error_code=code
            )
        )
    work.reply(token, LeaveGroupResponse(members=answers))
    return leave_group(work, list(leaving.values())) if leaving else work.decision()


def _leaving(group: ConsumerGroup, who: MemberIdentity) -> Member:
    if who.group_instance_id is None:
        return group.member(who.member_id)
    static = group.static_member(who.group_instance_id)
    member_id = who.member_id or ("" if static is None else static.id)
    return check_static(static, member_id, who.group_instance_id)


def _known(group: ConsumerGroup, member_id: str, instance_id: str | None) -> tuple[Member, ClassicTraits]:
    """The member and what it said when it joined. Raises UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID."""
    if instance_id is None:
        member = group.member(member_id)
    else:
        member = check_static(group.static_member(instance_id), member_id, instance_id)
    if member.classic is None:
        raise KafkaError(
            ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} does not speak the classic protocol."
        )
    return member, member.classic


def _check_generation(member: Member, generation: int) -> None:
    if generation != member.epoch:
        raise KafkaError(
            ErrorCode.ILLEGAL_GENERATION, f"Generation {generation} is not the member's epoch {member.epoch}"
        )
