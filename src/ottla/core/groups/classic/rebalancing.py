"""How a classic group comes to its next generation: wait for the members, close the round, tell them.

`Work` is one turn of it: it changes a group's soft state, sets timers, and gathers what becomes a `Decision`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ottla.core.coordination.contract import Decision, Moment, Record, Reply
from ottla.core.groups.classic import records
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.classic.member import Member
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.join_group import JoinGroupResponse, JoinGroupResponseMember
from ottla.core.wire.messages.sync_group import SyncGroupResponse

SESSION: Final = "classic-session"
JOIN: Final = "classic-join"
INITIAL: Final = "classic-initial-delay"
SYNC: Final = "classic-sync"


class Work:
    """What one request, or one alarm, does to one group."""

    def __init__(self, state: State, group: ClassicGroup, moment: Moment) -> None:
        self.state = state
        self.group = group
        self.moment = moment
        self.records: list[Record] = []
        self.replies: list[Reply] = []
        self.notes: list[str] = []

    def decision(self) -> Decision:
        return Decision(self.records, self.replies, notes=self.notes)

    def reply(self, token: object, body: Body | KafkaError) -> None:
        self.replies.append(Reply(token, body))

    # -- sessions

    def expect(self, member: Member, within_ms: int | None = None) -> None:
        """Hear of the member within its session timeout, or take it for lost."""
        timeout = member.session_timeout_ms if within_ms is None else within_ms
        self.state.timers.set(TimerKey(SESSION, self.group.name, member.id), self.moment.now + timeout)

    def forget(self, member_id: str) -> Member | None:
        """The member is out; a JoinGroup of it that waits hears that it is not known."""
        self.state.timers.cancel(TimerKey(SESSION, self.group.name, member_id))
        member = self.group.remove(member_id)
        if member is not None:
            self.joined(member, JoinGroupResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID, protocol_name=None))
            self.synced(member, SyncGroupResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID))
        return member

    def joined(self, member: Member, answer: JoinGroupResponse) -> None:
        """Answer the JoinGroup of the member that waits, if one does."""
        token, member.join_token = member.join_token, None
        if token is not None:
            self.reply(token, answer)

    def synced(self, member: Member, answer: SyncGroupResponse) -> bool:
        """The same for SyncGroup; whether one waited."""
        token, member.sync_token = member.sync_token, None
        if token is not None:
            self.reply(token, answer)
        return token is not None

    # -- a round begins

    def rebalance_or_complete(self, reason: str) -> None:
        """Something changed: begin a round, or close the one under way if that was what it waited for."""
        if self.group.state is ClassicState.PREPARING_REBALANCE:
            self.complete_if_possible()
        else:
            self.prepare(reason)

    def prepare(self, reason: str) -> None:
        """Ask everybody to join again."""
        group, timers = self.group, self.state.timers
        if group.state is ClassicState.COMPLETING_REBALANCE:
            self._hand_out(ErrorCode.REBALANCE_IN_PROGRESS)
        group.pending_syncs.clear()
        timers.cancel(TimerKey(SYNC, group.name))
        initial = group.state is ClassicState.EMPTY
        self.notes.append(
            f"Preparing to rebalance group={group.name} state={group.state} generation={group.generation}: {reason}"
        )
        group.become(ClassicState.PREPARING_REBALANCE, self.moment)
        if initial:
            delay: int = self.state.settings["group.initial.rebalance.delay.ms"]
            remaining = max(group.rebalance_timeout_ms - delay, 0)
            self._wait_initially(delay, remaining)
        elif group.all_joined:
            self.complete()
        else:
            timers.set(TimerKey(JOIN, group.name), self.moment.now + group.rebalance_timeout_ms)

    def _wait_initially(self, delay_ms: int, remaining_ms: int) -> None:
        """A new group gives its members time to arrive, and more time as long as they do."""
        key = TimerKey(INITIAL, self.group.name, f"{delay_ms} {remaining_ms}")
        self.state.timers.set(key, self.moment.now + delay_ms)

    def initial_delay_over(self, delay_ms: int, remaining_ms: int) -> None:
        if self.group.new_member_added and remaining_ms:
            self.group.new_member_added = False
            delay: int = self.state.settings["group.initial.rebalance.delay.ms"]
            self._wait_initially(min(delay, remaining_ms), max(remaining_ms - delay_ms, 0))
        else:
            self.complete()

    # -- a round ends

    def complete_if_possible(self) -> None:
        """Close the joining when everybody is there. The initial delay is always waited for."""
        group = self.group
        preparing = group.state is ClassicState.PREPARING_REBALANCE
        if preparing and group.previous_state is not ClassicState.EMPTY and group.all_joined:
            self.complete()

    def complete(self) -> None:
        """Close the joining: who is not there is out, the others hear of the next generation."""
        group, timers = self.group, self.state.timers
        timers.cancel(TimerKey(JOIN, group.name))
        absent = [each for each in group.members.values() if not each.joining and each.instance_id is None]
        for member in absent:
            self.forget(member.id)
        if group.members and not group.elect_joined_leader():
            # Static members only, and none of them here: wait until their sessions end.
            timers.set(TimerKey(JOIN, group.name), self.moment.now + group.rebalance_timeout_ms)
            return
        group.next_generation(self.moment)
        if group.state is ClassicState.EMPTY:
            self.notes.append(f"Group {group.name} is empty: generation={group.generation}")
            self.records.append(records.metadata(group, {}))
            return
        self.notes.append(
            f"Stabilized group={group.name} generation={group.generation} members={len(group.members)}"
        )
        for member in group.members.values():
            self.joined(member, self.invitation(member))
            self.expect(member)
            member.is_new = False
            group.pending_syncs.add(member.id)
        timers.set(TimerKey(SYNC, group.name), self.moment.now + group.rebalance_timeout_ms)

    def invitation(self, member: Member, *, skip_assignment: bool = False) -> JoinGroupResponse:
        """What a member hears of the current generation; the leader also who the members are."""
        group = self.group
        leading = group.leader == member.id
        protocol = group.protocol or ""
        return JoinGroupResponse(
            generation_id=group.generation,
            protocol_type=group.protocol_type,
            protocol_name=group.protocol,
            leader=group.leader or "",
            skip_assignment=skip_assignment,
            member_id=member.id,
            members=[
                JoinGroupResponseMember(
                    member_id=each.id, group_instance_id=each.instance_id, metadata=each.metadata(protocol)
                )
                for each in group.members.values()
            ]
            if leading
            else [],
        )

    # -- assignments

    def assign(self, assignments: dict[str, bytes]) -> None:
        """The leader has spoken: write it down, tell those who wait."""
        group = self.group
        self.state.counts.rebalances[group.kind] += 1
        by_member = {member_id: assignments.get(member_id, b"") for member_id in group.members}
        self.records.append(records.metadata(group, by_member))
        for member in group.members.values():
            member.assignment = by_member[member.id]
        self._hand_out(ErrorCode.NONE)

    def _hand_out(self, error: ErrorCode) -> None:
        """Answer every SyncGroup that waits: with the assignment, or with `error` (then the assignments are void)."""
        group = self.group
        for member in group.members.values():
            if error:
                member.assignment = b""
                answer = SyncGroupResponse(error_code=error)
            else:
                answer = self.share(member)
            if self.synced(member, answer):
                self.expect(member)

    def share(self, member: Member) -> SyncGroupResponse:
        return SyncGroupResponse(
            protocol_type=self.group.protocol_type,
            protocol_name=self.group.protocol,
            assignment=member.assignment,
        )

    # -- members go

    def lost(self, member_id: str) -> None:
        """Nothing was heard of the member for its session timeout."""
        group = self.group
        member = group.members.get(member_id)
        if member is None:
            if member_id in group.pending_joins:
                group.remove(member_id)
                self.complete_if_possible()
            return
        if not member.is_new and (member.joining or member.sync_token is not None):
            return  # it waits for us, not we for it
        self.notes.append(f"Member {member_id} of group={group.name} has failed: nothing was heard of it")
        self.forget(member_id)
        self.without(f"removing member {member_id} on heartbeat expiration")

    def without(self, reason: str) -> None:
        """Members have gone: the others share anew."""
        if self.group.state in (ClassicState.STABLE, ClassicState.COMPLETING_REBALANCE):
            self.prepare(reason)
        else:
            self.complete_if_possible()

    def syncs_missing(self) -> None:
        """Members that joined and never asked for their assignment are out."""
        group = self.group
        if group.state not in (ClassicState.COMPLETING_REBALANCE, ClassicState.STABLE):
            return
        late = sorted(group.pending_syncs)
        if late:
            for member_id in late:
                self.forget(member_id)
            self.prepare(f"removing {', '.join(late)} on pending sync request expiration")


def touch(state: State, group: ClassicGroup, member_id: str, moment: Moment) -> None:
    """A member was heard of by something else than its heartbeat: its session goes on."""
    member = group.members.get(member_id)
    if member is not None and group.state in (ClassicState.STABLE, ClassicState.PREPARING_REBALANCE):
        Work(state, group, moment).expect(member)


# -- alarms


def session_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _at_work(state, moment, key, lambda work: work.lost(key.member))


def join_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _at_work(state, moment, key, lambda work: work.complete())


def delay_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    delay, remaining = map(int, key.member.split())
    return _at_work(state, moment, key, lambda work: work.initial_delay_over(delay, remaining))


def sync_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _at_work(state, moment, key, lambda work: work.syncs_missing())


def _at_work(state: State, moment: Moment, key: TimerKey, does: Callable[[Work], None]) -> Decision:
    group = state.groups.get(key.group)
    if not isinstance(group, ClassicGroup):
        return Decision()
    work = Work(state, group, moment)
    does(work)
    return work.decision()
