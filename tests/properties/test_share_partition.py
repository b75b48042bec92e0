"""Any work of members on a share partition: one member a record, nothing acknowledged twice, also across restarts."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ottla.core.model.errors import KafkaError
from ottla.core.partition.sharing.share_partition import Change, SharePartition
from ottla.core.partition.sharing.values import (
    Acknowledgement,
    Limits,
    RecordState,
    StateBatch,
    Wish,
    joined,
)
from ottla.core.records.batch import BatchHeader
from tests.unit.sharing.share_log import batch, fresh, offsets

MEMBERS = st.sampled_from(["ada", "bob", "cyd"])
DONE = (RecordState.ACKNOWLEDGED, RecordState.ARCHIVED)
LIMITS = Limits(deliveries=2, in_flight=40, lock_ms=100)


class Sharing(RuleBasedStateMachine):
    """`held`: offset → (member, until). `done`: acknowledged, and durable. `stored`: what the coordinator keeps.
    `open`: changes that have no answer yet, what is acknowledged in them, and whether it was time that made them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.log: list[BatchHeader] = []
        self.end = 0
        self.log_start = 0
        self.partition: SharePartition = fresh(LIMITS)
        self.held: dict[int, tuple[str, int]] = {}
        self.deliveries: dict[int, int] = {}
        self.done: set[int] = set()
        self.open: list[tuple[Change, list[int], bool]] = []
        self.stored: dict[int, tuple[int, int]] = {}
        self.stored_start = 0

    # -- the log

    @rule(size=st.integers(1, 12), gap=st.integers(0, 3))
    def produce(self, size: int, gap: int) -> None:
        """`gap`: offsets that compaction took."""
        first = self.end + gap
        self.log.append(batch(first, first + size - 1))
        self.end = first + size

    @rule(share=st.floats(0, 1))
    def delete_records(self, share: float) -> None:
        self.log_start = max(self.log_start, int(self.end * share))
        self.log = [each for each in self.log if each.last_offset >= self.log_start]

    @precondition(lambda self: len(self.log) > 3)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        """A batch of the log vanishes. Records that members hold may be among them."""
        self.log.pop(data.draw(st.integers(0, len(self.log) - 2)))

    # -- members

    @rule(member=MEMBERS, most=st.integers(1, 20), size=st.integers(1, 10), exact=st.booleans())
    def acquire(self, member: str, most: int, size: int, exact: bool) -> None:
        partition = self.partition
        partition.log_start_moved(self.log_start)
        offset = partition.next_fetch_offset()
        headers = [each for each in self.log if each.last_offset >= offset][:4]
        if not partition.has_room:
            return
        taken = offsets(partition.acquire(self.now, member, Wish(most, size, exact), offset, headers))
        assert len(taken) == len(set(taken))
        assert not exact or len(taken) <= most
        for each in taken:
            assert each not in self.done
            assert each >= self.log_start
            owner = self.held.get(each)
            assert owner is None or owner[1] <= self.now, f"{each} is delivered to {member} and {owner}"
            self.held[each] = (member, self.now + LIMITS.lock_ms)
            self.deliveries[each] = self.deliveries.get(each, 0) + 1
            assert self.deliveries[each] <= LIMITS.deliveries

    @rule(
        member=MEMBERS,
        first=st.integers(-10, 30),
        size=st.integers(1, 15),
        types=st.lists(st.integers(0, 4), min_size=1, max_size=15),
    )
    def acknowledge(self, member: str, first: int, size: int, types: list[int]) -> None:
        first = max(first + self.partition.start_offset, 0)
        types = types[:1] if len(types) < size else types[:size]
        said = Acknowledgement(first, first + size - 1, types)
        try:
            change = self.partition.acknowledge(self.now, member, [said])
        except KafkaError:
            return
        for offset in range(first, min(first + size, self.partition.start_offset)):
            assert self.is_settled(offset), f"{offset} is passed over, and may come back"
        spoken = range(max(first, self.partition.start_offset), first + size)
        for offset in spoken:
            kind = types[0] if len(types) == 1 else types[offset - first]
            if offset not in self.held:
                continue  # a natural gap between batches
            assert self.held[offset][0] == member
            if kind == 4:
                self.held[offset] = (member, self.now + LIMITS.lock_ms)
        if change is not None:
            self.begin(change)

    def is_settled(self, offset: int) -> bool:
        """Whether nobody gets it any more, also after a restart."""
        if offset < max(self.stored_start, self.log_start) or self.stored.get(offset, (0, 0))[0] in DONE:
            return True
        return not any(each.base_offset <= offset <= each.last_offset for each in self.log)

    @rule(member=MEMBERS)
    def leave(self, member: str) -> None:
        change = self.partition.release(member)
        if change is not None:
            self.begin(change)

    def begin(self, change: Change) -> None:
        told = [
            offset
            for each in change.batches
            if each.state == RecordState.ACKNOWLEDGED
            for offset in range(each.first, each.last + 1)
        ]
        self.open.append((change, told, False))

    @rule(ms=st.integers(1, 120))
    def wait(self, ms: int) -> None:
        self.now += ms
        change = self.partition.expire(self.now)
        if change is not None:
            self.open.append((change, [], True))
        self.forget_ended()

    def forget_ended(self) -> None:
        self.held = {offset: (who, until) for offset, (who, until) in self.held.items() if until > self.now}

    # -- the store

    @precondition(lambda self: self.open)
    @rule(keep=st.booleans())
    def answer(self, keep: bool) -> None:
        change, told, expired = self.open.pop(0)
        if not keep:
            self.partition.failed(self.now, change)
            return
        self.store(change)
        self.done.update(told)
        if not expired:
            for each in change.batches:
                for offset in range(each.first, each.last + 1):
                    self.held.pop(offset, None)
        self.partition.kept(change)

    def store(self, change: Change) -> None:
        self.stored_start = max(self.stored_start, self.partition.start_offset)
        for each in change.batches:
            for offset in range(each.first, each.last + 1):
                self.stored[offset] = (int(each.state), each.deliveries)

    @rule()
    def restart(self) -> None:
        """Somebody else takes the partition over: only what is stored is left."""
        self.open.clear()
        self.held.clear()
        kept = [
            StateBatch(offset, offset, *state)
            for offset, state in sorted(self.stored.items())
            if offset >= self.stored_start
        ]
        self.deliveries = {each.first: each.deliveries for each in kept}
        self.partition = fresh(LIMITS, self.stored_start, joined(kept))

    # -- always

    @invariant()
    def counts_agree(self) -> None:
        partition = self.partition
        flight = partition._flight
        offset = partition.start_offset
        assert not flight.batches or flight.batches[0].first == offset
        complete = 0
        for each in flight.batches:
            for run in each.runs:
                assert offset <= run.first <= run.last
                offset = run.last + 1
                complete += run.count if run.is_complete else 0
        assert partition.next_offset >= offset
        assert partition.complete == complete
        assert 0 <= partition.in_flight <= LIMITS.in_flight + 40
        available = [
            run.first for each in flight.batches for run in each.runs if run.state is RecordState.AVAILABLE
        ]
        assert partition.next_fetch_offset() == (available[0] if available else partition.next_offset)


Sharing.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestSharing = Sharing.TestCase
