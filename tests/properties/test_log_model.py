"""A log against a list: whatever is appended, cut, deleted, killed or robbed of its power, the log is that list.

After a kill nothing is lost: what was written is in the page cache. After a power cut everything flushed is there, and
what is there besides is what was appended, in order, without a hole.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.core.model.errors import KafkaError
from ottla.core.records.compression import Codec
from ottla.sim.chance import SeededChance
from tests.unit.storage.logs import WALL, Shelf, batch, contents

VALUES = st.lists(st.binary(min_size=0, max_size=60), min_size=1, max_size=4)


class LogMachine(RuleBasedStateMachine):
    """`written` holds every record that was not truncated: (offset, value). Offsets may have gaps after a truncation.
    `start` is where the log has to start."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.written: list[tuple[int, bytes]] = []
        self.start = 0
        self.batch_starts: list[int] = []
        self.sequences: dict[int, int] = {}
        self.epoch = 0
        self.clock = 0

    def teardown(self) -> None:
        self.loop.run_until_complete(self._finish())
        self.loop.close()

    async def _finish(self) -> None:
        """What the store has begun on its own ends here."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def model(self) -> list[tuple[int, bytes]]:
        return [each for each in self.written if each[0] >= self.start]

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(
        segment_bytes=st.sampled_from([250, 600, 5000]),
        index_interval=st.sampled_from([0, 100, 4096]),
        index_bytes=st.sampled_from([64, 10_000]),
    )
    def open(self, segment_bytes: int, index_interval: int, index_bytes: int) -> None:
        config = LogConfig(
            segment_bytes=segment_bytes,
            index_interval_bytes=index_interval,
            segment_index_bytes=index_bytes,
            retention_ms=-1,
        )
        self.shelf = Shelf(config=config)
        self.log: Log = self.run(self.shelf.log())

    def _append(self, values: list[bytes], **fields: Any) -> None:
        self.clock += 10
        start = self.log.end_offset
        data = batch(*values, timestamp=WALL + self.clock, **fields)

        async def append() -> None:
            self.log.append(data, leader_epoch=self.epoch, wall=WALL)
            self.log.update_high_watermark(self.log.end_offset)

        self.run(append())
        self.batch_starts.append(start)
        self.written += [(start + slot, value) for slot, value in enumerate(values)]

    @rule(values=VALUES, codec=st.sampled_from([Codec.NONE, Codec.LZ4]))
    def append(self, values: list[bytes], codec: Codec) -> None:
        self._append(values, codec=codec)

    @rule(values=VALUES, producer=st.integers(1, 3))
    def append_idempotent(self, values: list[bytes], producer: int) -> None:
        sequence = self.sequences.get(producer, 0)
        self._append(values, producer_id=producer, producer_epoch=0, base_sequence=sequence)
        self.sequences[producer] = sequence + len(values)

    @rule()
    def next_epoch(self) -> None:
        self.epoch += 1

    @rule()
    def flush(self) -> None:
        self.run(self.log.flush())

    @rule(share=st.floats(0, 1))
    def truncate(self, share: float) -> None:
        if not self.batch_starts:
            return
        offset = self.batch_starts[int(share * (len(self.batch_starts) - 1))]
        if offset < self.log.start_offset:
            return

        async def truncate() -> None:
            self.log.truncate_to(offset, wall=WALL)
            # A truncation lasts once it is synced; a follower whose power went before that truncates again.
            self.shelf.disk.volume.root.sync_all()

        self.run(truncate())
        self.written = [each for each in self.written if each[0] < offset]
        self.batch_starts = [start for start in self.batch_starts if start < offset]
        self._believe_producers()

    @rule(share=st.floats(0, 1))
    def delete_records(self, share: float) -> None:
        start = self.log.start_offset
        offset = start + int(share * (self.log.end_offset - start))
        self.log.delete_records_before(offset)

        async def retain() -> None:
            self.log.apply_retention(WALL)

        self.run(retain())
        self.start = offset

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        end = self.log.end_offset
        epochs = [entry for entry in self.log.leader_epochs.entries() if entry[1] < end]
        start = self.log.start_offset
        self.log = self.run(self.shelf.restart(clean=clean))
        assert self.log.end_offset == end
        if clean:
            assert self.log.start_offset == start
            assert self.log.leader_epochs.entries() == epochs
        else:
            # The start offset is in a checkpoint, written now and then: a kill takes it back to a segment's start.
            self._start_again(start)
        self.log.update_high_watermark(self.log.end_offset)

    def _start_again(self, start: int) -> None:
        assert self.log.start_offset <= start
        self.log.update_high_watermark(self.log.end_offset)
        self.log.delete_records_before(start)

    @rule(seed=st.integers(0, 1 << 30))
    def lose_power(self, seed: int) -> None:
        start, flushed = self.log.start_offset, self.log.recovery_point
        self.run(self._cut(seed, flushed))
        end = self.log.end_offset
        assert flushed <= max(end, start)
        if end < start:
            # DeleteRecords had gone beyond what the disk kept; what is left of the records is back.
            start = self.log.start_offset
        self._start_again(start)
        self.written = [each for each in self.written if each[0] < end]
        self.start = start
        self.batch_starts = [offset for offset in self.batch_starts if offset < end]
        self._believe_producers()

    async def _cut(self, seed: int, flushed: int) -> None:
        self.shelf.store.abandon()
        self.shelf.disk.lose_power(SeededChance(seed))
        await self.shelf.open()
        found = self.shelf.store.get("orders", 0)
        assert found is not None or not flushed, "the log is gone, and it had been flushed"
        self.log = found or await self.shelf.log()

    def _believe_producers(self) -> None:
        """Ask the log how far each producer got: a producer it has lost starts over, as after InitProducerId."""
        for producer in (1, 2, 3):
            state = self.log.producers.get(producer)
            if state is None or not state.batches:
                self.sequences.pop(producer, None)
            else:
                self.sequences[producer] = state.last_sequence + 1

    @invariant()
    def the_log_is_the_list(self) -> None:
        if not hasattr(self, "log"):
            return
        assert contents(self.log) == self.model

    @invariant()
    def every_offset_can_be_read(self) -> None:
        if not hasattr(self, "log") or not self.model:
            return
        offset, value = self.model[len(self.model) // 2]
        read = self.log.read(offset, 1, min_one=True)
        assert read.records is not None
        data = read.records.file.read(read.size, read.records.position)
        read.records.release()
        from tests.unit.storage.logs import values_of

        assert (offset, value) in values_of(data)

    @invariant()
    def indexes_equal_a_rebuild(self) -> None:
        """Entries point to batches, in order, and the sequence of producers goes on from the last batch."""
        if not hasattr(self, "log"):
            return
        for segment in self.log.segments:
            starts = dict(segment.headers())
            last = -1
            for slot in range(len(segment.index)):
                relative, position = segment.index._entry_at(slot)
                assert starts[position].last_offset == segment.base_offset + relative > last
                last = segment.base_offset + relative
        for producer, following in self.sequences.items():
            state = self.log.producers.get(producer)
            assert state is not None and state.last_sequence + 1 == following


LogMachine.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLogModel = LogMachine.TestCase


def test_a_refused_batch_changes_nothing() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        log = await shelf.log()
        log.append(batch(b"a"), leader_epoch=0, wall=WALL)
        before = bytes(shelf.disk.files["/data/orders-0/00000000000000000000.log"].data)
        damaged = bytearray(batch(b"b"))
        damaged[-1] ^= 1
        for broken in (bytes(damaged), batch(b"b")[:-1], b"", batch(b"b", control=True)):
            try:
                log.append(broken, leader_epoch=0, wall=WALL)
            except KafkaError:
                continue
            raise AssertionError("a broken batch was taken")
        assert bytes(shelf.disk.files["/data/orders-0/00000000000000000000.log"].data) == before
        assert log.end_offset == 1

    asyncio.run(scenario())
