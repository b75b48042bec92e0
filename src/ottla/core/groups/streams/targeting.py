"""The target of a group: who is meant to have which tasks, computed anew when the group has a new epoch.

Not at once, though: a new group waits a little for its other members, and between two targets some time has to pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ottla.core.coordination.ages import is_over
from ottla.core.coordination.contract import Decision, Moment, Record
from ottla.core.groups.state import State, TimerKey
from ottla.core.groups.streams import records
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.member import Member
from ottla.core.groups.streams.reconciling import Target
from ottla.core.groups.streams.shaping import Shaped
from ottla.core.groups.streams.sticky import Work, Worker, assign
from ottla.core.groups.streams.tasks import NO_TASKS, Tasks

INITIAL_DELAY: Final = "streams-initial-delay"
STANDBYS: Final = "num.standby.replicas"


class Aim(NamedTuple):
    """The target that counts for a member now; `written` when it is a new one; why it is not newer, if it should be."""

    target: Target
    written: list[Record]
    delayed: str | None = None


def configs(state: State, group: str) -> dict[str, str]:
    """The group configs that bear on the target, as they are kept beside the group's epoch."""
    return {STANDBYS: str(state.setting(group, "streams.num.standby.replicas"))}


def delay_first(state: State, moment: Moment, group: StreamsGroup) -> None:
    """The first member of a group comes: others may be on their way."""
    key = TimerKey(INITIAL_DELAY, group.name)
    delay_ms = state.setting(group.name, "streams.initial.rebalance.delay.ms")
    if not group.members and delay_ms > 0 and key not in state.timers:
        state.timers.set(key, moment.now + delay_ms)


def aim(state: State, moment: Moment, group: StreamsGroup, epoch: int, shaped: Shaped, member: Member) -> Aim:
    """Where `member` is to go, in a group that has this epoch and, beside its members, the member as it is here."""
    last = Target(group.assignment_epoch, group.target(member.id))
    if TimerKey(INITIAL_DELAY, group.name) in state.timers:
        return Aim(
            last._replace(tasks=NO_TASKS),
            [],
            "Assignment delayed due to the configured initial rebalance delay.",
        )
    if group.assignment_epoch >= epoch:
        return Aim(last, [])
    interval_ms = state.setting(group.name, "streams.assignment.interval.ms")
    if not is_over(moment, group.assigned_at, interval_ms):
        return Aim(last, [], "Assignment delayed due to the configured assignment interval.")
    shares, written = _new(
        moment, group, epoch, shaped, {**group.members, member.id: member}, configs(state, group.name)
    )
    return Aim(Target(epoch, shares[member.id]), written)


def _new(
    moment: Moment,
    group: StreamsGroup,
    epoch: int,
    shaped: Shaped,
    members: Mapping[str, Member],
    configs: Mapping[str, str],
) -> tuple[dict[str, Tasks], list[Record]]:
    """Everybody's share, and the records of those whose share is another now."""
    if shaped.ready:
        workers = {name: Worker(each.process_id, group.target(name)) for name, each in members.items()}
        work = {name: Work(each.tasks, each.stateful) for name, each in shaped.shapes.items()}
        shares = assign(workers, work, int(configs.get(STANDBYS, 0)))
    else:
        shares = dict.fromkeys(members, NO_TASKS)
    written = [
        records.target(group.name, name, share)
        for name, share in shares.items()
        if group.targets.get(name) != share
    ]
    written.append(records.assignment_epoch(group.name, epoch, moment.wall))
    return shares, written


def delay_ended(state: State, moment: Moment, key: TimerKey) -> Decision:
    """The alarm: those who have come share. Members learn of it by their next heartbeats."""
    group = state.groups.get(key.group)
    if not isinstance(group, StreamsGroup) or not group.members or group.shaped is None:
        return Decision()
    if group.epoch <= group.assignment_epoch:
        return Decision()
    _, written = _new(moment, group, group.epoch, group.shaped, group.members, group.last_configs)
    note = f"Assigned tasks of streams group={group.name} epoch={group.epoch} members={len(group.members)}"
    return Decision(written, notes=[note])
