"""The sticky task assignor: everybody keeps what they had, as far as the shares stay even.

Active tasks first, each to the first of these that takes it:

1. the member that had it active, while that has less than an even share of active tasks;
2. a member that had it as a standby (its state is there), under the same condition;
3. the member with the fewest tasks in the process with the least load (tasks per member).

Then standbys, which never go to a process that has the task already: to who had it active, to who had it as a standby,
to the least load; the last as many times as copies are still wanted. An even share is reckoned anew whenever a member has
got its own, so that remainders spread.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

from ottla.core.groups.streams.tasks import NO_TASKS, Partitions, Task, Tasks, each


class Worker(NamedTuple):
    """A member as the assignor sees it: its process, and its target so far."""

    process_id: str
    target: Tasks = NO_TASKS


class Work(NamedTuple):
    """The tasks of a subtopology. Only those with state have standbys."""

    tasks: int
    stateful: bool


def assign(workers: Mapping[str, Worker], work: Mapping[str, Work], standbys: int) -> dict[str, Tasks]:
    """Member → tasks, for every member. `work` is by subtopology."""
    if not workers:
        return {}
    sharing = _Sharing(workers, work, standbys)
    sharing.share_active()
    if standbys:
        sharing.share_standbys()
    return sharing.result()


class _Process:
    """The members of one process, and what they have got."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.counts: dict[str, int] = {}
        self.tasks: set[Task] = set()
        self._by_count: list[tuple[int, int, str]] | None = None

    @property
    def load(self) -> float:
        return sum(self.counts.values()) / len(self.counts)

    def give(self, member: str, task: Task) -> None:
        self.tasks.add(task)
        self.counts[member] += 1
        self._by_count = None

    def give_least(self, task: Task) -> str:
        """To the member with the fewest tasks; who that is."""
        if self._by_count is None:
            self._by_count = [
                (count, order, member) for order, (member, count) in enumerate(self.counts.items())
            ]
            heapq.heapify(self._by_count)
        count, order, member = self._by_count[0]
        self.tasks.add(task)
        self.counts[member] = count + 1
        heapq.heapreplace(self._by_count, (count + 1, order, member))
        return member


class _Quota:
    """An even share of tasks, rounded up, of those members that have not got theirs yet."""

    def __init__(self, tasks: int, members: int) -> None:
        self.tasks = tasks
        self.members = members
        self.share = -(-tasks // members)

    def given(self, count: int) -> None:
        """A member has `count` tasks now."""
        if count == self.share:
            self.members -= 1
            self.tasks -= count
            self.share = -(-self.tasks // self.members) if self.members else 0


class _Sharing:
    def __init__(self, workers: Mapping[str, Worker], work: Mapping[str, Work], standbys: int) -> None:
        self.workers = workers
        self.standbys = standbys
        self.all = [Task(name, index) for name, one in work.items() for index in range(one.tasks)]
        self.stateful = [task for task in self.all if work[task.subtopology].stateful]
        self.active_quota = _Quota(len(self.all), len(workers))
        self.total_quota = _Quota(len(self.all) + len(self.stateful) * standbys, len(workers))
        self.processes: dict[str, _Process] = {}
        self.was_active: dict[Task, str] = {}
        self.was_standby: dict[Task, list[str]] = {}
        self.active: dict[str, list[Task]] = {member: [] for member in workers}
        self.standby: dict[str, list[Task]] = {member: [] for member in workers}
        for member, worker in workers.items():
            process = self.processes.setdefault(worker.process_id, _Process(len(self.processes)))
            process.counts[member] = 0
            self.was_active.update(dict.fromkeys(each(worker.target.active), member))
            for task in each(worker.target.standby):
                self.was_standby.setdefault(task, []).append(member)

    def result(self) -> dict[str, Tasks]:
        return {
            member: Tasks(_together(self.active[member]), _together(self.standby[member]))
            for member in self.workers
        }

    def _process(self, member: str) -> _Process:
        return self.processes[self.workers[member].process_id]

    def _count(self, member: str) -> int:
        return self._process(member).counts[member]

    # -- active tasks

    def share_active(self) -> None:
        by_partition = sorted(self.all, key=lambda task: (task.partition, task.subtopology))
        left = [task for task in by_partition if not self._keep_active(self.was_active.get(task), task)]
        left = [task for task in left if not self._keep_active(self._least(task), task)]
        queue = self._queue()
        for task in sorted(left):
            process = queue[0][2]
            member = process.give_least(task)
            self._made_active(member, task)
            heapq.heapreplace(queue, (process.load, process.order, process))

    def _keep_active(self, member: str | None, task: Task) -> bool:
        if member is None or self._count(member) >= self.active_quota.share:
            return False
        self._process(member).give(member, task)
        self._made_active(member, task)
        return True

    def _made_active(self, member: str, task: Task) -> None:
        self.active[member].append(task)
        self.active_quota.given(self._count(member))
        self.total_quota.given(self._count(member))

    # -- standbys

    def share_standbys(self) -> None:
        left: list[tuple[Task, int]] = []
        for task in sorted(self.stateful, key=lambda task: (task.partition, task.subtopology), reverse=True):
            for copy in range(self.standbys):
                if not self._keep_standby(task):
                    left.append((task, self.standbys - copy))
                    break
        queue = self._queue()
        for task, copies in sorted(left, reverse=True):
            for _ in range(copies):
                if not self._give_standby(queue, task):
                    break

    def _keep_standby(self, task: Task) -> bool:
        for member in (self.was_active.get(task), self._least(task, without=True)):
            if member is None or task in self._process(member).tasks:
                continue
            if self._count(member) < self.total_quota.share:
                self._process(member).give(member, task)
                self._made_standby(member, task)
                return True
        return False

    def _give_standby(self, queue: list[tuple[float, int, _Process]], task: Task) -> bool:
        """To the process with the least load among those that do not have the task; whether there is one."""
        passed: list[tuple[float, int, _Process]] = []
        while queue and task in queue[0][2].tasks:
            passed.append(heapq.heappop(queue))
        found = bool(queue)
        if found:
            process = queue[0][2]
            self._made_standby(process.give_least(task), task)
            heapq.heapreplace(queue, (process.load, process.order, process))
        for entry in passed:
            heapq.heappush(queue, entry)
        return found

    def _made_standby(self, member: str, task: Task) -> None:
        self.standby[member].append(task)
        self.total_quota.given(self._count(member))

    # -- whom

    def _least(self, task: Task, *, without: bool = False) -> str | None:
        """Of those that had the task as a standby, one with little to do; `without`: whose process has not got it."""
        chosen: str | None = None
        for member in self.was_standby.get(task, ()):
            process = self._process(member)
            if without and task in process.tasks:
                continue
            if chosen is None or (
                process.load < self._process(chosen).load and self._count(member) < self._count(chosen)
            ):
                chosen = member
        return chosen

    def _queue(self) -> list[tuple[float, int, _Process]]:
        queue = [(process.load, process.order, process) for process in self.processes.values()]
        heapq.heapify(queue)
        return queue


def _together(tasks: list[Task]) -> Partitions:
    found: dict[str, set[int]] = {}
    for task in tasks:
        found.setdefault(task.subtopology, set()).add(task.partition)
    return {subtopology: frozenset(partitions) for subtopology, partitions in found.items()}
