"""JoinGroup: a member comes, or comes again.

Who comes without an id gets one; from version 4 on it has to come again with it before it counts (KIP-394), so that a client
that gives up leaves no member behind. A member with an instance id takes the place of its predecessor (KIP-345), and
where nothing else changed nobody has to share anew.
"""

from __future__ import annotations

from typing import Final

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.classic import records
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.classic.member import Member, spoken
from ottla.core.groups.classic.rebalancing import SESSION, Work
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse
from ottla.core.wire.messages.sync_group import SyncGroupResponse

REQUIRES_KNOWN_ID: Final = 4
SKIPS_ASSIGNMENT: Final = 9
NEW_MEMBER_JOIN_TIMEOUT_MS: Final = 300_000
"""How long the JoinGroup of a member that does not know its id yet may wait before it is asked to try again."""


def join(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: JoinGroupRequest = request.body
    group = state.groups.get(body.group_id)
    fresh = group is None
    if group is None:
        if body.member_id:
            return _refuse(token, ErrorCode.UNKNOWN_MEMBER_ID, body.member_id)
        group = ClassicGroup(body.group_id)
    if not isinstance(group, ClassicGroup):
        return _refuse(token, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, body.member_id)
    work = Work(state, group, moment)
    protocols = spoken(body.protocols)
    if not _has_room(state, group, body.member_id):
        work.forget(body.member_id)
        work.reply(token, _error(ErrorCode.GROUP_MAX_SIZE_REACHED, ""))
    elif not group.speaks(body.protocol_type, protocols):
        work.reply(token, _error(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, body.member_id))
    elif not body.member_id:
        _Joining(work, token, request, protocols).as_new()
    else:
        _Joining(work, token, request, protocols).again()
    if fresh:
        state.groups[group.name] = group
        if not work.records:
            work.records.append(records.nothing_yet(group))
    return work.decision()


def _refuse(token: object, code: ErrorCode, member_id: str) -> Decision:
    return Decision(replies=[Reply(token, _error(code, member_id))])


def _error(code: ErrorCode, member_id: str) -> JoinGroupResponse:
    return JoinGroupResponse(error_code=code, member_id=member_id, protocol_name=None)


def _has_room(state: State, group: ClassicGroup, member_id: str) -> bool:
    """Whether `group.max.size` lets this member in. During a rebalance those count who have joined already."""
    if group.state in (ClassicState.EMPTY, ClassicState.DEAD):
        return True
    limit: int = state.settings["group.max.size"]
    known = group.members.get(member_id)
    if group.state is ClassicState.PREPARING_REBALANCE:
        return (known is not None and known.joining) or group.joining < limit
    return known is not None or len(group.members) < limit


class _Joining:
    """One JoinGroup request on its way into the group."""

    def __init__(
        self, work: Work, token: object, request: Request, protocols: list[tuple[str, bytes]]
    ) -> None:
        self.work = work
        self.group = work.group
        self.token = token
        self.request = request
        self.body: JoinGroupRequest = request.body
        self.protocols = protocols
        reason = self.body.reason or "not provided"
        self.reason = f"client reason: {reason}"

    # -- without an id

    def as_new(self) -> None:
        body, request = self.body, self.request
        instance_id = body.group_instance_id
        member_id = f"{instance_id if instance_id is not None else request.client_id}-{request.fresh}"
        if instance_id is not None:
            known = self.group.static_members.get(instance_id)
            if known is None:
                self._add(member_id)
            else:
                self._replace(known, member_id)
        elif request.version >= REQUIRES_KNOWN_ID:
            self.group.pending_joins.add(member_id)
            key = TimerKey(SESSION, self.group.name, member_id)
            self.work.state.timers.set(key, self.work.moment.now + body.session_timeout_ms)
            self.work.reply(self.token, _error(ErrorCode.MEMBER_ID_REQUIRED, member_id))
        else:
            self._add(member_id)

    def _add(self, member_id: str) -> None:
        body, group = self.body, self.group
        member = Member(
            member_id,
            body.group_instance_id,
            self.request.client_id,
            self.request.client_host,
            body.rebalance_timeout_ms if body.rebalance_timeout_ms >= 0 else body.session_timeout_ms,
            body.session_timeout_ms,
            self.protocols,
        )
        member.is_new = True
        member.join_token = self.token
        if group.state is ClassicState.PREPARING_REBALANCE and group.previous_state is ClassicState.EMPTY:
            group.new_member_added = True
        group.add(member, body.protocol_type)
        self.work.expect(member, NEW_MEMBER_JOIN_TIMEOUT_MS)
        self.work.rebalance_or_complete(f"member {member_id} is new; {self.reason}")

    def _replace(self, old_id: str, new_id: str) -> None:
        """A static member is back. In a stable group nobody else hears of it."""
        group, work = self.group, self.work
        old = group.members[old_id]
        old_leader = group.leader or ""
        work.joined(old, _error(ErrorCode.FENCED_INSTANCE_ID, old_id))
        work.synced(old, SyncGroupResponse(error_code=ErrorCode.FENCED_INSTANCE_ID))
        member = group.replace_static(old_id, new_id)
        work.expect(member)
        self._update(member)
        if group.state is ClassicState.STABLE:
            if group.select_protocol() != group.protocol:
                work.prepare(f"static member {new_id} changes the protocol; {self.reason}")
                return
            work.records.append(
                records.metadata(group, {each.id: each.assignment for each in group.members.values()})
            )
            answer = work.invitation(member, skip_assignment=group.leader == new_id)
            if self.request.version < SKIPS_ASSIGNMENT:
                # An older leader would compute an assignment that nobody asked for: it is told it does not lead.
                answer.skip_assignment = False
                answer.members = []
                answer.leader = old_leader
            work.joined(member, answer)
        elif group.state is ClassicState.COMPLETING_REBALANCE:
            work.prepare(f"static member {new_id} is back; {self.reason}")
        else:
            work.complete_if_possible()

    # -- with an id

    def again(self) -> None:
        body, group, work = self.body, self.group, self.work
        if body.member_id in group.pending_joins:
            self._add(body.member_id)
            return
        member = group.check_member(body.member_id, body.group_instance_id)
        same = member.matches(self.protocols)
        stable = group.state is ClassicState.STABLE
        if group.state is ClassicState.EMPTY:
            work.reply(self.token, _error(ErrorCode.UNKNOWN_MEMBER_ID, body.member_id))
        elif same and (
            group.state is ClassicState.COMPLETING_REBALANCE or (stable and group.leader != member.id)
        ):
            # It missed an answer, or asks without need: it hears of the generation there is.
            answer = work.invitation(member)
            work.reply(self.token, answer)
        else:
            self._update(member)
            work.rebalance_or_complete(f"member {member.id} joins again; {self.reason}")

    def _update(self, member: Member) -> None:
        body = self.body
        member.protocols = self.protocols
        member.session_timeout_ms = body.session_timeout_ms
        timeout = body.rebalance_timeout_ms
        member.rebalance_timeout_ms = timeout if timeout >= 0 else body.session_timeout_ms
        if member.join_token is not None and member.join_token is not self.token:
            # The client asked anew without waiting for its answer; the answer goes to the newer request.
            self.work.joined(member, _error(ErrorCode.REBALANCE_IN_PROGRESS, member.id))
        member.join_token = self.token
