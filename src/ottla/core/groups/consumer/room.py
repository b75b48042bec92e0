"""What this room serves: see `core.groups.coordinator`."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.contract import Decision, Moment
from ottla.core.groups.consumer import applying, describing, heartbeat, patterns, work
from ottla.core.groups.consumer.crossing import leave_group
from ottla.core.groups.consumer.group import ConsumerGroup
from ottla.core.groups.consumer.member import Member, MemberState
from ottla.core.groups.consumer.work import Work
from ottla.core.groups.state import State, TimerKey


def session_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _lost(state, moment, key, "nothing was heard of it within its session timeout")


def rebalance_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    member = _member(state, key)
    if member is None or member.state is not MemberState.UNREVOKED_PARTITIONS or member.epoch < 0:
        return Decision()
    return _lost(state, moment, key, "it did not give up its partitions within the rebalance timeout")


def join_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _lost(state, moment, key, "it did not join again within the rebalance timeout")


def sync_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    return _lost(state, moment, key, "it did not sync within the rebalance timeout")


def _member(state: State, key: TimerKey) -> Member | None:
    group = state.groups.get(key.group)
    return group.members.get(key.member) if isinstance(group, ConsumerGroup) else None


def _lost(state: State, moment: Moment, key: TimerKey, reason: str) -> Decision:
    group, member = state.groups.get(key.group), _member(state, key)
    if not isinstance(group, ConsumerGroup) or member is None:
        return Decision()
    turn = Work(state, group, moment)
    turn.notes.append(f"Member {member.id} of consumer group={group.name} is out: {reason}")
    return leave_group(turn, [member])


REQUESTS: Final[dict[Any, Any]] = {
    heartbeat.Beat: heartbeat.beat,
    describing.DescribeConsumer: describing.describe,
}
RECORDS: Final[dict[Any, Any]] = applying.RECORDS
ALARMS: Final[dict[Any, Any]] = {
    work.SESSION: session_ended,
    work.REBALANCE: rebalance_ended,
    work.JOIN: join_ended,
    work.SYNC: sync_ended,
    patterns.RESOLVE: patterns.resolve,
}


def loaded(state: State, moment: Moment) -> None:
    """Members have their session timeout to be heard of, and those that were giving up partitions their time for that."""
    for group in state.groups.values():
        if isinstance(group, ConsumerGroup):
            turn = Work(state, group, moment)
            for member in group.members.values():
                turn.expect(member)
                if member.state is MemberState.UNREVOKED_PARTITIONS:
                    turn.alarm(work.REBALANCE, member.id, member.rebalance_timeout_ms)
