"""How members of a streams group go: by themselves, because nothing is heard of them, or because they hold on to tasks."""

from __future__ import annotations

from typing import Final

from ottla.core.coordination.contract import Decision, Moment, Record
from ottla.core.groups.state import State, TimerKey
from ottla.core.groups.streams import records
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.member import Member, MemberState
from ottla.core.model.errors import ErrorCode, KafkaError

SESSION: Final = "streams-session"
REVOCATION: Final = "streams-revocation"


def not_streams(name: str) -> KafkaError:
    return KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {name} is not a streams group.")


def expect(state: State, moment: Moment, group: StreamsGroup, member: Member) -> None:
    """The member was heard of, and is to be heard of again within its session timeout."""
    timeout_ms = state.setting(group.name, "streams.session.timeout.ms")
    state.timers.set(TimerKey(SESSION, group.name, member.id), moment.now + timeout_ms)


def watch_revocation(state: State, moment: Moment, group: StreamsGroup, member: Member) -> None:
    """A member that is to give up tasks has its rebalance timeout for it, counted from each step it takes."""
    key = TimerKey(REVOCATION, group.name, member.id)
    if member.state is MemberState.UNREVOKED_TASKS:
        state.timers.set(key, moment.now + member.rebalance_timeout_ms)
    else:
        state.timers.cancel(key)


def remove(state: State, group: StreamsGroup, member: Member) -> list[Record]:
    """The records by which the member goes; the others share anew in the epoch that they open."""
    for what in (SESSION, REVOCATION):
        state.timers.cancel(TimerKey(what, group.name, member.id))
    return [
        *records.no_member(group.name, member.id),
        records.group_epoch(
            group.name,
            group.epoch + 1,
            group.metadata_hash,
            group.validated_topology_epoch,
            group.last_configs,
        ),
    ]


# -- alarms


def session_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    found = _member(state, key)
    if found is None:
        return Decision()
    group, member = found
    note = f"Member {member.id} of streams group={group.name} has failed: nothing was heard of it"
    return Decision(remove(state, group, member), notes=[note])


def revocation_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    found = _member(state, key)
    if found is None or found[1].state is not MemberState.UNREVOKED_TASKS:
        return Decision()
    group, member = found
    note = f"Member {member.id} of streams group={group.name} is out: it did not give up its tasks in time"
    return Decision(remove(state, group, member), notes=[note])


def _member(state: State, key: TimerKey) -> tuple[StreamsGroup, Member] | None:
    group = state.groups.get(key.group)
    if not isinstance(group, StreamsGroup) or key.member not in group.members:
        return None
    return group, group.members[key.member]
