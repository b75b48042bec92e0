"""How a member gets from what it has to what it is meant to have.

    Stable ──new target──> UnrevokedTasks ──it says it gave them up──> Stable | UnreleasedTasks
                                                                           │
       it may have what nobody else holds, and waits for the rest <────────┘

A task is active at one process at a time, and a process has it in one role at a time: whatever holds it must have given it
up before somebody gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ottla.core.groups.streams.member import Member, MemberState
from ottla.core.groups.streams.tasks import NOTHING_HELD, Held, Partitions, Task, Tasks, overlap
from ottla.core.model.errors import ErrorCode, KafkaError


class Target(NamedTuple):
    epoch: int
    tasks: Tasks


class Holders(Protocol):
    """Which processes hold a task: their members have it, or have not said that they gave it up."""

    def active_at(self, task: Task) -> str | None: ...

    def standby_at(self, task: Task) -> frozenset[str]: ...

    def warmup_at(self, task: Task) -> frozenset[str]: ...


def reconciled(member: Member, target: Target, owned: Tasks | None, holders: Holders) -> Member:
    """The member one step nearer to the target. `owned`: what it says it has, or None if it says nothing.

    Raises FENCED_MEMBER_EPOCH for a member in a state that a later version wrote, unless it says it has nothing.
    """
    if member.reconciled(target.epoch):
        return member
    epoch = member.epoch
    if member.state is MemberState.UNREVOKED_TASKS:
        if owned is None or overlap(owned, member.revoking):
            return member
        epoch += 1
    elif member.state is MemberState.UNKNOWN:
        if owned is None or any(owned):
            raise KafkaError(
                ErrorCode.FENCED_MEMBER_EPOCH,
                "The streams group member is in a unknown state. The member must abandon all its tasks and rejoin.",
            )
        epoch = target.epoch
    return _next(member, epoch, target, owned, holders)


def _next(member: Member, epoch: int, target: Target, owned: Tasks | None, holders: Holders) -> Member:
    steps = _Steps(member, target, holders)
    if not steps.gives_up.empty and (owned is None or overlap(owned, steps.gives_up)):
        return member._replace(
            state=MemberState.UNREVOKED_TASKS,
            epoch=epoch,
            previous_epoch=member.epoch,
            assigned=steps.keeps,
            revoking=steps.gives_up,
        )
    return member._replace(
        state=MemberState.UNRELEASED_TASKS if steps.waits else MemberState.STABLE,
        epoch=target.epoch,
        previous_epoch=member.epoch,
        assigned=steps.has_then,
        revoking=NOTHING_HELD,
    )


class _Steps:
    """What the member keeps, gives up and gets; whether something it is meant to have is still held."""

    def __init__(self, member: Member, target: Target, holders: Holders) -> None:
        self.waits = False
        process, has, wanted = member.process_id, member.assigned, target.tasks

        def taken_here(task: Task) -> bool:
            return process in holders.standby_at(task) or process in holders.warmup_at(task)

        def active_taken(task: Task) -> bool:
            return holders.active_at(task) is not None or taken_here(task)

        def copy_taken(task: Task) -> bool:
            return holders.active_at(task) == process or taken_here(task)

        active = {
            subtopology: {index: since for index, since in partitions.items() if index in kept}
            for subtopology, partitions in has.active.items()
            if (kept := wanted.active.get(subtopology, frozenset()) & partitions.keys())
        }
        standby, warmup = _common(has.standby, wanted.standby), _common(has.warmup, wanted.warmup)
        self.keeps = Held(active, standby, warmup)
        self.gives_up = Held(
            {
                subtopology: {index: partitions[index] for index in sorted(gone)}
                for subtopology, partitions in has.active.items()
                if (gone := partitions.keys() - active.get(subtopology, {}).keys())
            },
            _without(has.standby, standby),
            _without(has.warmup, warmup),
        )
        got = self._free(
            wanted.active, {name: frozenset(each) for name, each in active.items()}, active_taken
        )
        self.has_then = Held(
            {
                subtopology: {
                    **active.get(subtopology, {}),
                    **dict.fromkeys(sorted(got.get(subtopology, ())), target.epoch),
                }
                for subtopology in {**active, **got}
            },
            _joined(standby, self._free(wanted.standby, standby, copy_taken)),
            _joined(warmup, self._free(wanted.warmup, warmup, copy_taken)),
        )

    def _free(self, wanted: Partitions, kept: Partitions, taken: Callable[[Task], bool]) -> Partitions:
        """What of the wanted it does not have and may have now."""
        found: dict[str, frozenset[int]] = {}
        for subtopology, partitions in wanted.items():
            new = partitions - kept.get(subtopology, frozenset())
            free = frozenset(index for index in new if not taken(Task(subtopology, index)))
            self.waits |= len(free) < len(new)
            if free:
                found[subtopology] = free
        return found


def _common(one: Partitions, other: Partitions) -> Partitions:
    return {
        subtopology: both
        for subtopology, partitions in one.items()
        if (both := partitions & other.get(subtopology, frozenset()))
    }


def _without(one: Partitions, other: Partitions) -> Partitions:
    return {
        subtopology: left
        for subtopology, partitions in one.items()
        if (left := partitions - other.get(subtopology, frozenset()))
    }


def _joined(one: Partitions, other: Partitions) -> Partitions:
    none: frozenset[int] = frozenset()
    return {
        subtopology: one.get(subtopology, none) | other.get(subtopology, none)
        for subtopology in {**one, **other}
    }
