"""One member, one step: from what it has towards what it is meant to have."""

from __future__ import annotations

import pytest

from ottla.core.groups.streams.member import Member, MemberState
from ottla.core.groups.streams.reconciling import Target, reconciled
from ottla.core.groups.streams.tasks import Held, Task, Tasks
from ottla.core.model.errors import ErrorCode, KafkaError


class Holders:
    """Who holds tasks of subtopology "0"."""

    def __init__(self, active: dict[int, str] | None = None, standby: dict[int, str] | None = None) -> None:
        self._active = active or {}
        self._standby = standby or {}

    def active_at(self, task: Task) -> str | None:
        return self._active.get(task.partition)

    def standby_at(self, task: Task) -> frozenset[str]:
        return frozenset([self._standby[task.partition]] if task.partition in self._standby else [])

    def warmup_at(self, task: Task) -> frozenset[str]:
        return frozenset()


NOBODY = Holders()


def tasks(*active: int, standby: tuple[int, ...] = ()) -> Tasks:
    return Tasks({"0": frozenset(active)} if active else {}, {"0": frozenset(standby)} if standby else {})


def held(since: dict[int, int], standby: tuple[int, ...] = ()) -> Held:
    return Held({"0": since} if since else {}, {"0": frozenset(standby)} if standby else {})


def member(**fields: object) -> Member:
    return Member("m", epoch=3, previous_epoch=2, process_id="p")._replace(**fields)  # type: ignore[arg-type]


def test_who_is_there_stays() -> None:
    there = member(assigned=held({0: 2}))
    assert reconciled(there, Target(3, tasks(0)), None, NOBODY) is there


def test_free_tasks_are_had_at_once_and_since_now() -> None:
    after = reconciled(member(assigned=held({0: 2})), Target(5, tasks(0, 1, standby=(4,))), None, NOBODY)
    assert (after.state, after.epoch, after.previous_epoch) == (MemberState.STABLE, 5, 3)
    assert after.assigned == held({0: 2, 1: 5}, (4,))


def test_what_others_hold_is_waited_for() -> None:
    after = reconciled(member(), Target(5, tasks(0, 1)), None, Holders({1: "q"}))
    assert (after.state, after.epoch, after.assigned) == (MemberState.UNRELEASED_TASKS, 5, held({0: 5}))
    still = reconciled(after, Target(5, tasks(0, 1)), None, Holders({0: "p", 1: "q"}))
    assert (still.assigned, still.state) == (after.assigned, MemberState.UNRELEASED_TASKS)
    later = reconciled(still, Target(5, tasks(0, 1)), None, Holders({0: "p"}))
    assert (later.state, later.assigned) == (MemberState.STABLE, held({0: 5, 1: 5}))


def test_what_is_to_go_must_be_given_up_first() -> None:
    before = member(assigned=held({0: 1, 1: 2}))
    target = Target(5, tasks(0, 2))
    told = reconciled(before, target, tasks(0, 1), Holders({0: "p", 1: "p"}))
    assert (told.state, told.epoch) == (MemberState.UNREVOKED_TASKS, 3)
    assert (told.assigned, told.revoking) == (held({0: 1}), held({1: 2}))
    assert reconciled(told, target, None, NOBODY) is told, "it does not say what it has"
    assert reconciled(told, target, tasks(0, 1), NOBODY) is told, "it still has it"
    done = reconciled(told, target, tasks(0), Holders({0: "p", 1: "p"}))
    assert (done.state, done.epoch, done.previous_epoch) == (MemberState.STABLE, 5, 3)
    assert (done.assigned, done.revoking) == (held({0: 1, 2: 5}), held({}))


def test_a_target_that_moves_meanwhile_costs_another_round_in_the_next_epoch() -> None:
    told = member(state=MemberState.UNREVOKED_TASKS, assigned=held({0: 1}), revoking=held({1: 2}))
    after = reconciled(told, Target(9, tasks(5)), tasks(0), NOBODY)
    assert (after.state, after.epoch, after.previous_epoch) == (MemberState.UNREVOKED_TASKS, 4, 3)
    assert after.revoking == held({0: 1})


def test_what_it_does_not_have_any_more_need_not_be_given_up() -> None:
    after = reconciled(member(assigned=held({1: 2})), Target(5, tasks()), tasks(), NOBODY)
    assert (after.state, after.epoch, after.assigned) == (MemberState.STABLE, 5, held({}))


@pytest.mark.parametrize(
    ("target", "holders", "waits"),
    [
        (tasks(1), Holders(standby={1: "p"}), True),  # active where the process has a copy
        (tasks(1), Holders(standby={1: "q"}), False),
        (tasks(standby=(1,)), Holders({1: "p"}), True),  # a copy where the process has it active
        (tasks(standby=(1,)), Holders({1: "q"}), False),
        (tasks(standby=(1,)), Holders(standby={1: "p"}), True),  # a second copy in one process
        (tasks(standby=(1,)), Holders(standby={1: "q"}), False),
    ],
)
def test_a_process_has_a_task_in_one_role(target: Tasks, holders: Holders, waits: bool) -> None:
    after = reconciled(member(), Target(5, target), None, holders)
    assert (after.state is MemberState.UNRELEASED_TASKS) == waits
    assert (after.assigned == held({})) == waits


def test_a_member_in_a_state_of_later_versions_begins_anew() -> None:
    strange = member(state=MemberState(9))
    with pytest.raises(KafkaError) as refused:
        reconciled(strange, Target(5, tasks(0)), tasks(0), NOBODY)
    assert refused.value.code == ErrorCode.FENCED_MEMBER_EPOCH
    assert reconciled(strange, Target(5, tasks(0)), tasks(), NOBODY).assigned == held({0: 5})
