"""One share partition (KIP-932): a partition of a topic as the members of one share group consume it together.

A consumer group gives a partition to one member; a share group gives its *records* to whoever asks. A record that was
acquired is locked for its member. The member accepts it, rejects it, or lets it go; if the lock ends first, it is let
go for the member. What is let go is delivered again, a limited number of times, then archived.

So the position in the partition is not one offset. It is a start offset, below which everything is done; the end of what
was delivered; and the states of the records between (`in_flight`). These states are kept by the share coordinator, and a
change counts only when it has kept it: the answer to an acknowledgement waits for that. Acquisitions are not written:
whoever takes the partition over delivers those records anew. An acknowledged record is never delivered again.

The start passes nothing that could still come back. For what is said of records below it is passed over, and answered
as if it counted: words may come late, after the lock has ended.

The object does no I/O: what is to be kept leaves as a `Change`, whose outcome comes back by `kept` or `failed`.
Times are monotonic milliseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Final

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.sharing.aborted import Aborted, aborted_batches, without
from ottla.core.partition.sharing.acknowledging import BECOMES, behind, check_held, stretches
from ottla.core.partition.sharing.acquiring import Acquiring
from ottla.core.partition.sharing.in_flight import AVAILABLE, NOBODY, Batch, InFlight, Run
from ottla.core.partition.sharing.values import (
    Acknowledgement,
    AcknowledgeType,
    Acquired,
    Limits,
    RecordState,
    StateBatch,
    Wish,
    joined,
)
from ottla.core.records.batch import BatchHeader

_SPARE: Final = 64
AGAIN_MS: Final = 1_000
"""So long after it was not kept that a record was delivered for the last time, that is tried once more."""


class Change:
    """What the share coordinator shall keep, beside the start offset and the count of what is complete."""

    __slots__ = ("batches", "runs")

    def __init__(self, batches: Sequence[StateBatch], runs: Sequence[Run]) -> None:
        self.batches = batches
        self.runs = runs
        """Those that wait for the outcome."""


class SharePartition:
    """See the module. `limits` may be set anew at any time; `load` comes before everything else."""

    __slots__ = ("_flight", "_locks", "limits", "next_offset", "start_offset", "state_epoch")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.start_offset = 0
        """Below it everything is done."""
        self.next_offset = 0
        """From here on nothing was delivered yet."""
        self.state_epoch = 0
        self._flight = InFlight()
        self._locks: list[tuple[int, int, int]] = []  # (until, first, last), also of what was let go earlier

    def load(self, start_offset: int, state_epoch: int, batches: Sequence[StateBatch]) -> None:
        """Begin with what was kept. Raises ValueError when that contradicts itself.

        Offsets between the batches, and between the start and the first of them, were acquired and not acknowledged
        when the state was written: they are to be delivered.
        """
        self.start_offset = offset = start_offset
        self.state_epoch = state_epoch
        for each in batches:
            if each.first < offset or each.last < each.first:
                raise ValueError(f"a batch of {each.first}-{each.last} cannot follow offset {offset - 1}")
            if each.first > offset:
                self._flight.add(Batch([Run(offset, each.first - 1)], hole=True))
            self._flight.add(Batch([Run(each.first, each.last, _stored(each.state), each.deliveries)]))
            offset = each.last + 1
        self.next_offset = offset
        self._move_start()

    # -- what may be had

    @property
    def in_flight(self) -> int:
        """Offsets between the start and the end of what was delivered."""
        return self.next_offset - self.start_offset

    @property
    def complete(self) -> int:
        """How many of those are done with."""
        return self._flight.complete

    def next_fetch_offset(self) -> int:
        """Where to read next: what was let go comes first."""
        found = self._flight.first_available()
        return self.next_offset if found is None else found

    @property
    def has_room(self) -> bool:
        """Whether anything may be acquired at all."""
        return self.in_flight < self.limits.in_flight or self._flight.first_available() is not None

    def acquire(
        self,
        now: int,
        member: str,
        wish: Wish,
        fetch_offset: int,
        headers: Sequence[BatchHeader],
        aborted: Iterable[Aborted] = (),
    ) -> list[Acquired]:
        """Give `member` what is to be had of the batches that were read at `fetch_offset`, and lock it.

        `aborted` are the transactions whose records are not to be delivered: they are archived on the way.
        """
        if not headers or headers[-1].last_offset < self.start_offset or wish.max_records <= 0:
            return []
        last = headers[-1].last_offset
        count = min(wish.max_records, self.limits.in_flight - self.in_flight)
        if count <= 0:
            # No room for anything new; what was let go among the rest has its place already.
            if fetch_offset >= self.next_offset:
                return []
            count = min(wish.max_records, self.next_offset - fetch_offset)
            last = min(last, self.next_offset - 1)
        base = headers[0].base_offset
        self._archive_absent(fetch_offset, base)
        lock_until = now + self.limits.lock_ms
        acquiring = Acquiring(
            self._flight, self.limits, member, lock_until, headers, last, wish._replace(max_records=count)
        )
        acquired = acquiring.take(max(base, self.start_offset))
        self._delivered()
        for each in acquired:
            self._lock(lock_until, each.first, each.last)
        unwanted = aborted_batches(headers, aborted)
        if unwanted:
            for header in unwanted:
                self._archive_held(header.base_offset, header.last_offset)
            acquired = without(acquired, unwanted)
        self._move_start()
        return acquired

    def _delivered(self) -> None:
        """The batches may begin later than the start, where the log has nothing, and end later than before."""
        batches = self._flight.batches
        if batches:
            self.start_offset = batches[0].first
            self.next_offset = max(self.next_offset, batches[-1].last + 1)

    def _archive_absent(self, fetch_offset: int, base: int) -> None:
        """A read from `fetch_offset` began at `base`: what lies between is not in the log any more."""
        for batch in self._flight.between(fetch_offset, base - 1):
            if batch.hole and batch.last >= base:
                self._flight.open_hole(batch, batch.first, base - 1)
                self._flight.add(batch := Batch([Run(batch.first, base - 1)]))
            for run in batch.within(fetch_offset, base - 1):
                if run.state is AVAILABLE:
                    self._flight.archive(batch.cut(run, fetch_offset, base - 1))

    def _archive_held(self, first: int, last: int) -> None:
        for batch in self._flight.between(first, last):
            for run in batch.within(first, last):
                if run.is_held:
                    self._flight.archive(batch.cut(run, first, last))

    # -- what members say

    def acknowledge(
        self, now: int, member: str, acknowledgements: Sequence[Acknowledgement]
    ) -> Change | None:
        """Take what `member` says of records it holds. None when there is nothing to keep.

        All of it counts, or nothing does but the renewals. Offsets below the start are passed over: they are done.
        Raises INVALID_RECORD_STATE for records that the member does not hold, INVALID_REQUEST for offsets that were
        never delivered.
        """
        proposed: list[Run] = []
        try:
            for each in acknowledgements:
                if each.last >= self.start_offset:
                    self._acknowledge(now, member, each, proposed)
        except KafkaError:
            for run in proposed:
                self._flight.withdraw(run)
            raise
        return self._change(proposed)

    def _acknowledge(self, now: int, member: str, said: Acknowledgement, proposed: list[Run]) -> None:
        for batch in self._named(said):
            for run in batch.within(said.first, said.last):
                check_held(run, member, alone=len(batch.runs) == 1)
                first, last = max(run.first, said.first), min(run.last, said.last)
                for kind, start, stop in stretches(said, first, last):
                    run = batch.cut(run, start, stop)
                    if kind is AcknowledgeType.RENEW:
                        self._renew(now, run)
                    else:
                        self._flight.propose(run, BECOMES[kind], self.limits.deliveries)
                        proposed.append(run)
                    run = behind(batch, run)

    def _named(self, said: Acknowledgement) -> list[Batch]:
        """The batches that an acknowledgement speaks of. Of a hole nobody can say anything: nobody has had it."""
        known = self._flight
        found = [each for each in known.between(said.first, said.last) if not each.hole]
        if not found:
            raise self._not_found(said)
        if found[-1].last < said.last:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                "Batch record not found. The last offset in request is past acquired records.",
            )
        return found

    def _not_found(self, said: Acknowledgement) -> KafkaError:
        """What is wrong with offsets none of which was delivered: a lie about the past, or about the future."""
        before = any(each.first <= said.first and not each.hole for each in self._flight.batches)
        if before or said.first < self.start_offset:
            return KafkaError(
                ErrorCode.INVALID_REQUEST,
                "Batch record not found. The first offset in request is past acquired records.",
            )
        return KafkaError(
            ErrorCode.INVALID_RECORD_STATE,
            "Batch record not found. The request batch offsets are not found in the cache.",
        )

    def _renew(self, now: int, run: Run) -> None:
        if not self.limits.renews:
            raise KafkaError(
                ErrorCode.INVALID_RECORD_STATE, "Renewing acquisition locks is not enabled for the group."
            )
        run.lock_until = now + self.limits.lock_ms
        self._lock(run.lock_until, run.first, run.last)

    def release(self, member: str) -> Change | None:
        """Let go of everything `member` holds: it has left. None when that is nothing."""
        proposed: list[Run] = []
        for batch in self._flight.batches:
            for run in batch.runs:
                if run.is_held and run.member == member:
                    self._flight.propose(run, AVAILABLE, self.limits.deliveries)
                    proposed.append(run)
        return self._change(proposed)

    def _change(self, runs: Sequence[Run]) -> Change | None:
        if not runs:
            return None
        batches = joined([StateBatch(run.first, run.last, _state_to_be(run), run.deliveries) for run in runs])
        return Change(batches, [run for run in runs if run.next is not None])

    def kept(self, change: Change) -> None:
        """The change is durable: let it count."""
        for run in change.runs:
            if run.next is not None:
                self._flight.settle(run)
        self._move_start()

    def failed(self, now: int, change: Change) -> None:
        """The change was not kept: everybody holds what he held, unless the lock ended meanwhile."""
        for run in change.runs:
            if run.next is not None:
                self._flight.withdraw(run)
                if run.lock_until > now:
                    continue
                if run.deliveries < self.limits.deliveries:
                    self._flight.let_go(run)
                else:
                    run.member, run.lock_until = NOBODY, now + AGAIN_MS
                    self._lock(run.lock_until, run.first, run.last)

    # -- time

    @property
    def deadline(self) -> int | None:
        """When the next lock may end."""
        return self._locks[0][0] if self._locks else None

    def expire(self, now: int) -> Change | None:
        """Let go of what was locked until now. What may be delivered again may be so at once, kept or not; what was
        delivered for the last time is archived when that is kept."""
        ended: list[Run] = []
        while self._locks and self._locks[0][0] <= now:
            _, first, last = heapq.heappop(self._locks)
            for batch in self._flight.between(first, last):
                for run in batch.within(first, last):
                    if run.is_held and run.lock_until <= now:
                        self._end_lock(run)
                        ended.append(run)
        ended.sort(key=lambda run: run.first)
        return self._change(ended)

    def _end_lock(self, run: Run) -> None:
        if run.deliveries < self.limits.deliveries:
            self._flight.let_go(run)
        else:
            self._flight.propose(run, AVAILABLE, self.limits.deliveries)
            run.member = NOBODY

    def _lock(self, until: int, first: int, last: int) -> None:
        heapq.heappush(self._locks, (until, first, last))
        if len(self._locks) > 2 * self.limits.in_flight + _SPARE:
            self._locks = sorted(
                {
                    (run.lock_until, run.first, run.last)
                    for batch in self._flight.batches
                    for run in batch.runs
                    if run.state is RecordState.ACQUIRED
                }
            )

    # -- the start

    def log_start_moved(self, offset: int) -> None:
        """The log has nothing below `offset` any more: retention, or somebody deleted records."""
        if offset <= self.start_offset:
            return
        self._flight.drop_below(offset)
        self.next_offset = max(self.next_offset, offset)
        batches = self._flight.batches
        self.start_offset = batches[0].first if batches else self.next_offset

    def _move_start(self) -> None:
        first = self._flight.drop_complete()
        self.start_offset = self.next_offset if first is None else first


def _stored(state: int) -> RecordState:
    """Raises ValueError for what is never written down."""
    found = RecordState(state)
    if found is RecordState.ACQUIRED:
        raise ValueError("a record that is acquired is not written down")
    return found


def _state_to_be(run: Run) -> RecordState:
    return run.state if run.next is None else run.next
