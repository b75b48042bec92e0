"""How a member gets records: which of those that were read, in which batches, and how many.

What nobody has had yet is acquired batch by batch of the log, whole, so that a member can acknowledge it in one piece
(with `record_limit` exactly as many records as wanted). What had been let go is acquired as it lies.

A record that breaks its reader breaks everything it is delivered with. So from about half of the allowed deliveries on,
the batch is delivered in parts half as large each time, and a record on its last delivery comes alone: the good ones
among them get through, the bad one is archived by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ottla.core.partition.sharing.in_flight import ACQUIRED, AVAILABLE, Batch, InFlight, Run
from ottla.core.partition.sharing.values import Acquired, Limits, Wish
from ottla.core.records.batch import BatchHeader

THROTTLED_LEAST = 2
"""A record is delivered so often at least before the batches get smaller."""


class Acquiring:
    """One member acquires out of `headers`, the batches that were read for it, up to the offset `last`."""

    __slots__ = (
        "_count",
        "_exact",
        "_first",
        "_flight",
        "_headers",
        "_last",
        "_limits",
        "_lock",
        "_member",
        "_size",
    )

    def __init__(
        self,
        flight: InFlight,
        limits: Limits,
        member: str,
        lock_until: int,
        headers: Sequence[BatchHeader],
        last: int,
        wish: Wish,
    ) -> None:
        self._flight = flight
        self._limits = limits
        self._member = member
        self._lock = lock_until
        self._headers = headers
        self._first = headers[0].base_offset
        self._last = last
        self._count = wish.max_records  # how many more
        self._size = max(wish.batch_size, 1)
        self._exact = wish.exact

    def take(self, start: int) -> list[Acquired]:
        """Everything that is to be had from offset `start` on."""
        taken: list[Acquired] = []
        known = self._flight.between(start, self._last)
        after = start
        for batch in known:
            if self._count <= 0:
                return taken
            after = batch.last + 1
            if batch.hole:
                taken += self._fresh(max(batch.first, start), min(batch.last, self._last), batch)
                continue
            fragile = self._fragile(batch)
            if fragile and taken:
                return taken  # it is delivered by itself, the next time
            again = self._again(batch)
            taken += again
            if fragile and again:
                return taken
        if self._count > 0 and after <= self._last:
            taken += self._fresh(after, self._last)
        return taken

    # -- what nobody has had

    def _fresh(self, first: int, last: int, hole: Batch | None = None) -> list[Acquired]:
        if self._count < last - first + 1:
            last = min(last, self._end_of_batch(first + self._count - 1))
        if hole is not None:
            self._flight.open_hole(hole, first, last)
        if self._exact:
            end = min(last, first + self._count - 1)
            runs = [self._held(first, end, 1)]
            if end < last:
                runs.append(Run(end + 1, last))
            self._flight.add(Batch(runs))
            self._count -= end - first + 1
            return [Acquired(first, end, 1)]
        taken: list[Acquired] = []
        for start, stop in self._portions(first, last):
            self._flight.add(Batch([self._held(start, stop, 1)]))
            taken.append(Acquired(start, stop, 1))
        self._count -= last - first + 1
        return taken

    def _end_of_batch(self, offset: int) -> int:
        """Where the batch of the log with this offset ends; the offset itself where there is none."""
        for header in reversed(self._headers):
            if header.base_offset <= offset:
                return max(offset, header.last_offset)
        return offset

    def _portions(self, first: int, last: int) -> list[tuple[int, int]]:
        """Batches of the log together, until they have about as many records as a batch shall have."""
        portions: list[tuple[int, int]] = []
        if last - first + 1 > self._size:
            for header in self._headers:
                base = header.base_offset
                if base > last:
                    break
                if base - first >= self._size:
                    portions.append((first, base - 1))
                    first = base
        portions.append((first, last))
        return portions

    def _held(self, first: int, last: int, deliveries: int) -> Run:
        return Run(first, last, ACQUIRED, deliveries, self._member, self._lock)

    # -- what was let go

    @property
    def _fragile_from(self) -> int:
        return max(THROTTLED_LEAST, (self._limits.deliveries + 1) // 2)

    def _fragile(self, batch: Batch) -> bool:
        """Whether something in it has failed too often to be delivered together with others."""
        limit = self._fragile_from
        return any(
            run.state is AVAILABLE and run.deliveries >= limit
            for run in batch.within(self._first, self._last)
        )

    def _again(self, batch: Batch) -> list[Acquired]:
        taken: list[Acquired] = []
        count = 0
        portion = -1  # how many of a fragile batch; -1: it is not known to be one
        most = self._limits.deliveries
        for run in batch.within(self._first, self._last):
            if run.state is not AVAILABLE:
                continue
            first, last = max(run.first, self._first), min(run.last, self._last)
            alone = most > THROTTLED_LEAST and run.deliveries == most - 1
            if alone:
                if count:
                    break
                last = first
            if portion < 0 and run.deliveries >= self._fragile_from:
                portion = max(1, batch.size >> (run.deliveries - self._fragile_from + 1))
            if count < portion:
                last = min(last, first + portion - count - 1)
            if self._exact:
                last = min(last, first + self._count - count - 1)
            run = batch.cut(run, first, last)
            run.state, run.member, run.lock_until = ACQUIRED, self._member, self._lock
            run.deliveries += 1
            count += run.count
            _extend(taken, run)
            if alone or count == portion or (self._exact and count >= self._count):
                break
        self._count -= count
        return taken


def _extend(taken: list[Acquired], run: Run) -> None:
    """Neighbours that were delivered equally often are told of together."""
    if taken and taken[-1].last + 1 == run.first and taken[-1].deliveries == run.deliveries:
        taken[-1] = taken[-1]._replace(last=run.last)
    else:
        taken.append(Acquired(run.first, run.last, run.deliveries))
