"""Streams groups under any sequence of joining, leaving, silence and changing topics.

Whatever happens, no task is active in two places, no process has a task in two roles, the log alone gives the same group, and
once nothing happens any more everybody gets there.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.groups.coordinator import GroupCoordinator
from ottla.core.groups.streams.group import StreamsGroup, StreamsState
from ottla.core.groups.streams.sticky import Work, Worker, assign
from ottla.core.groups.streams.tasks import Task, Tasks, each
from ottla.core.model.errors import KafkaError
from tests.unit.coordination.driving import World
from tests.unit.groups.streams.talking import (
    CHANGELOG,
    REPARTITION,
    Streams,
    beat,
    ids,
    join,
    leave,
    word_count,
)

MEMBERS = "abcd"
members = st.sampled_from(MEMBERS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("join"), members),
        st.tuples(st.just("leave"), members),
        st.tuples(st.just("tell"), members),
        st.tuples(st.just("obey"), members),
        st.tuples(st.just("wait"), st.sampled_from([100, 3_000, 50_000])),
        st.tuples(st.just("topic"), st.integers(0, 3)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=40,
)


class Crowd:
    """Members as their clients know them: epoch, and the tasks that they have."""

    def __init__(self, standbys: int) -> None:
        self.streams = Streams(
            World(words=3, **{REPARTITION: 3, CHANGELOG: 3}), group_streams_num_standby_replicas=standbys
        )
        self.epochs: dict[str, int] = {}
        self.told: dict[str, Any] = {}
        self.has: dict[str, Any] = {}

    def take(self, what: str, value: Any) -> None:
        if what == "wait":
            self.streams.pass_time(value)
        elif what == "topic":
            self.streams.have(words=value)
        elif what == "restart":
            self.streams.restart()
        elif what == "join":
            self.has[value] = ([], [])
            process = f"process-{value in 'ab'}"
            self._ask(value, join(value, word_count(), process_id=process))
        elif value in self.epochs:
            if what == "leave":
                self._ask(value, leave(value))
                self.epochs.pop(value, None)
            else:
                self.heartbeat(value, obey=what == "obey")

    def heartbeat(self, member: str, *, obey: bool) -> None:
        """With `obey` it does as it was told first."""
        if obey:
            self.has[member] = self.told[member]
        active, standby = self.has[member]
        said = {"active_tasks": active, "standby_tasks": standby, "warmup_tasks": []}
        self._ask(member, beat(member, self.epochs[member], **said))

    def _ask(self, member: str, body: Any) -> None:
        try:
            answer = self.streams.tell(body)
        except KafkaError:
            self.epochs.pop(member, None)
            return
        self.epochs[member] = answer.member_epoch
        if answer.active_tasks is not None:
            self.told[member] = tuple(
                [part for one in tasks or [] for part in ids({one.subtopology_id: one.partitions})]
                for tasks in (answer.active_tasks, answer.standby_tasks)
            )


def group_of(machine: GroupCoordinator) -> StreamsGroup | None:
    group = machine.state.groups.get("app")
    assert group is None or isinstance(group, StreamsGroup)
    return group


def hard(group: StreamsGroup | None) -> Any:
    if group is None:
        return None
    return (
        group.epoch,
        group.metadata_hash,
        group.validated_topology_epoch,
        group.last_configs,
        group.assignment_epoch,
        group.assigned_at,
        group.topology,
        group.members,
        group.targets,
        {task: group.active_at(task) for task in all_tasks()},
        {task: group.standby_at(task) for task in all_tasks()},
        group.state,
    )


def all_tasks() -> list[Task]:
    return [Task(name, index) for name in "01" for index in range(3)]


def check(group: StreamsGroup) -> None:
    active: Counter[Task] = Counter()
    roles: Counter[tuple[str, Task]] = Counter()
    for member in group.members.values():
        mine = {*each(member.assigned.active), *each(member.revoking.active)}
        active.update(mine)
        copies = {*each(member.assigned.standby), *each(member.revoking.standby)}
        roles.update((member.process_id, task) for task in [*mine, *copies])
    assert all(count == 1 for count in active.values())
    assert all(count == 1 for count in roles.values())


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 2))
def test_tasks_are_in_one_place_and_the_log_tells_all(story: list[tuple[str, Any]], standbys: int) -> None:
    crowd = Crowd(standbys)
    for what, value in story:
        crowd.take(what, value)
        machine: Any = crowd.streams.machine
        replayed: Any = crowd.streams.replayed()
        group = group_of(machine)
        assert hard(group) == hard(group_of(replayed))
        if group is not None:
            check(group)
    crowd.take("topic", 3)
    for _ in range(12):
        for member in list(crowd.epochs):
            crowd.heartbeat(member, obey=True)
    last: Any = crowd.streams.machine
    group = group_of(last)
    if group is not None and crowd.epochs and set(group.members) == set(crowd.epochs):
        assert group.state is StreamsState.STABLE
        assert dict.fromkeys(all_tasks(), 1) == dict(
            Counter(task for member in group.members.values() for task in each(member.assigned.active))
        )


# -- the assignor

processes = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.sampled_from("pqr"), min_size=1)
works = st.dictionaries(
    st.sampled_from("0123"), st.builds(Work, st.integers(1, 6), st.booleans()), min_size=1
)


@settings(max_examples=150, deadline=None)
@given(processes, works, st.integers(0, 2), st.data())
def test_shares_are_whole_and_what_fits_stays(
    members: dict[str, str], work: dict[str, Work], standbys: int, data: st.DataObject
) -> None:
    workers = {name: Worker(process) for name, process in members.items()}
    first = assign(workers, work, standbys)
    _check_shares(workers, work, standbys, first)
    again = {name: Worker(worker.process_id, first[name]) for name, worker in workers.items()}
    assert assign(again, work, standbys) == first or standbys
    lost = data.draw(st.sampled_from(sorted(members)))
    rest = {name: worker for name, worker in again.items() if name != lost}
    if rest:
        after = assign(rest, work, standbys)
        _check_shares(rest, work, standbys, after)
        if not standbys:
            for name in rest:
                assert set(each(first[name].active)) <= set(each(after[name].active))


def _check_shares(
    workers: dict[str, Worker], work: dict[str, Work], standbys: int, shares: dict[str, Tasks]
) -> None:
    everything = {Task(name, index) for name, one in work.items() for index in range(one.tasks)}
    active = [task for share in shares.values() for task in each(share.active)]
    assert sorted(active) == sorted(everything)
    at: Counter[tuple[str, Task]] = Counter()
    copies: Counter[Task] = Counter()
    for name, share in shares.items():
        copies.update(each(share.standby))
        at.update((workers[name].process_id, task) for task in [*each(share.active), *each(share.standby)])
    assert all(count == 1 for count in at.values())
    places = len({worker.process_id for worker in workers.values()})
    for task in everything:
        wanted = min(standbys, places - 1) if work[task.subtopology].stateful else 0
        assert copies[task] == wanted
