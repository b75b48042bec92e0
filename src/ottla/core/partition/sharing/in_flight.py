"""The records of a share partition that were delivered and are not done with.

They lie in *batches*, as they were acquired: the unit in which records of equal fate are counted, delivered again
and, where delivering them keeps failing, taken apart. A batch is a row of *runs*: neighbouring offsets of one state.
Most batches are one run all their life.

A batch may be a *hole*: offsets between others which nobody here has seen delivered. They come out of the stored state,
where what a member had acquired and not acknowledged is not mentioned.

A change that must be durable first is noted beside the state (`Run.next`); the records stay with their member until the
store has answered.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ottla.core.partition.sharing.values import RecordState

AVAILABLE = RecordState.AVAILABLE
ACQUIRED = RecordState.ACQUIRED
ACKNOWLEDGED = RecordState.ACKNOWLEDGED
ARCHIVED = RecordState.ARCHIVED

NOBODY = ""


def is_terminal(state: RecordState) -> bool:
    """Whether such a record is done with."""
    return state is ACKNOWLEDGED or state is ARCHIVED


class Run:
    """Neighbouring offsets of one state. `lock_until` is monotonic milliseconds, and counts while they are acquired."""

    __slots__ = ("deliveries", "first", "last", "lock_until", "member", "next", "state")

    def __init__(
        self,
        first: int,
        last: int,
        state: RecordState = AVAILABLE,
        deliveries: int = 0,
        member: str = NOBODY,
        lock_until: int = 0,
    ) -> None:
        self.first = first
        self.last = last
        self.state = state
        self.deliveries = deliveries
        self.member = member
        self.lock_until = lock_until
        self.next: RecordState | None = None
        """What they become once that is durable."""

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def is_complete(self) -> bool:
        """Whether delivery ended, as far as the store will be told."""
        return is_terminal(self.state if self.next is None else self.next)

    @property
    def is_held(self) -> bool:
        """Acquired, and nothing else decided yet."""
        return self.state is ACQUIRED and self.next is None

    def divide(self, offset: int) -> Run:
        """Keep what lies before `offset`; the rest is returned."""
        rest = Run(offset, self.last, self.state, self.deliveries, self.member, self.lock_until)
        self.last = offset - 1
        return rest

    def __repr__(self) -> str:
        return f"{self.first}-{self.last} {self.state.name} {self.deliveries} {self.member}"


class Batch:
    """Runs without anything between them. `size` is how many records it had at first."""

    __slots__ = ("hole", "runs", "size")

    def __init__(self, runs: list[Run], *, hole: bool = False) -> None:
        self.runs = runs
        self.hole = hole
        self.size = runs[-1].last - runs[0].first + 1

    @property
    def first(self) -> int:
        return self.runs[0].first

    @property
    def last(self) -> int:
        return self.runs[-1].last

    def within(self, first: int, last: int) -> list[Run]:
        """The runs that have offsets from `first` to `last`."""
        low = bisect_right(self.runs, first, key=_first_of_run)
        if low and self.runs[low - 1].last >= first:
            low -= 1
        return self.runs[low : bisect_right(self.runs, last, key=_first_of_run)]

    def place(self, run: Run) -> int:
        """Where among the runs it stands."""
        return bisect_left(self.runs, run.first, key=_first_of_run)

    def cut(self, run: Run, first: int, last: int) -> Run:
        """A run of its own for those of its offsets that lie from `first` to `last`."""
        place = self.place(run)
        if run.last > last:
            self.runs.insert(place + 1, run.divide(last + 1))
        if run.first < first:
            run = run.divide(first)
            self.runs.insert(place + 1, run)
        return run


def _first_of_run(run: Run) -> int:
    return run.first


def _first_of(batch: Batch) -> int:
    return batch.runs[0].first


class InFlight:
    """The batches in the order of their offsets, and two facts about them that are asked for all the time."""

    __slots__ = ("available_from", "batches", "complete")

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.complete = 0
        """Records in them whose delivery ended (`Run.is_complete`)."""
        self.available_from: int | None = None
        """Below this nothing is available; None: nowhere is."""

    def add(self, batch: Batch) -> None:
        """Between the others, none of which it touches."""
        self.batches.insert(self._place(batch.first), batch)
        for run in batch.runs:
            if run.is_complete:
                self.complete += run.count
            elif run.state is AVAILABLE:
                self.note_available(run.first)

    def between(self, first: int, last: int) -> list[Batch]:
        """The batches that have offsets from `first` to `last`."""
        low = self._place(first)
        if low and self.batches[low - 1].last >= first:
            low -= 1
        return self.batches[low : self._place(last)]

    def _place(self, offset: int) -> int:
        """How many batches begin at `offset` or before."""
        return bisect_right(self.batches, offset, key=_first_of)

    def first_available(self) -> int | None:
        """The first offset that may be delivered once more."""
        if self.available_from is None:
            return None
        low = max(self._place(self.available_from) - 1, 0)
        for batch in self.batches[low:]:
            for run in batch.runs:
                if run.state is AVAILABLE and run.last >= self.available_from:
                    self.available_from = run.first
                    return run.first
        self.available_from = None
        return None

    def note_available(self, offset: int) -> None:
        if self.available_from is None or offset < self.available_from:
            self.available_from = offset

    def open_hole(self, hole: Batch, first: int, last: int) -> None:
        """Make room from `first` to `last`, which lie in the hole: what it has besides stays."""
        self.batches.remove(hole)
        if hole.first < first:
            self.add(Batch([Run(hole.first, first - 1)], hole=True))
        if hole.last > last:
            self.add(Batch([Run(last + 1, hole.last)], hole=True))

    # -- changes

    def archive(self, run: Run) -> None:
        """At once: there is nothing to wait for."""
        run.state = ARCHIVED
        run.member = NOBODY
        self.complete += run.count

    def let_go(self, run: Run) -> None:
        """At once: its lock ended, and it may be delivered again."""
        run.state = AVAILABLE
        run.member = NOBODY
        self.note_available(run.first)

    def propose(self, run: Run, state: RecordState, deliveries_max: int) -> None:
        """To be so once it is durable. Who lets go of a record for the last time archives it."""
        run.next = ARCHIVED if state is AVAILABLE and run.deliveries >= deliveries_max else state
        if run.is_complete:
            self.complete += run.count

    def withdraw(self, run: Run) -> None:
        """A proposal came to nothing."""
        if run.is_complete:
            self.complete -= run.count
        run.next = None

    def settle(self, run: Run) -> None:
        """A proposal is durable."""
        assert run.next is not None
        run.state, run.next = run.next, None
        run.member = NOBODY
        if run.state is AVAILABLE:
            self.note_available(run.first)

    # -- the start

    def drop_complete(self) -> int | None:
        """Forget what is done with at the start. Returns the offset that comes first now, None when nothing is left."""
        gone = 0
        for batch in self.batches:
            done = 0
            while done < len(batch.runs) and is_terminal(batch.runs[done].state):
                self.complete -= batch.runs[done].count
                done += 1
            if done < len(batch.runs):
                del batch.runs[:done]
                break
            gone += 1
        del self.batches[:gone]
        return self.batches[0].first if self.batches else None

    def drop_below(self, offset: int) -> None:
        """Forget everything below `offset`, whatever its state: the log does not have it any more."""
        gone = 0
        for batch in self.batches:
            if batch.first >= offset:
                break
            kept: list[Run] = []
            for run in batch.runs:
                if run.first < offset:
                    if run.is_complete:
                        self.complete -= min(run.last + 1, offset) - run.first
                    if run.last < offset:
                        run.next = None  # whoever waits for it finds nothing to do
                        continue
                    run.first = offset
                kept.append(run)
            batch.runs = kept or batch.runs
            if not kept:
                gone += 1
        del self.batches[:gone]
