"""Compaction against a dictionary: random keys, tombstones and transactions, small maps, restarts in between."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.broker.storage.answers import Origin
from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.core.records.batch import headers
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.records.record import Record, records
from tests.unit.storage.cleaning import CleaningShelf
from tests.unit.storage.logs import WALL, taken

CONFIG = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=900,  # the largest batch there is (six records of 120 bytes) must fit
    min_cleanable_dirty_ratio=0.0001,
    delete_retention_ms=50,
    file_delete_delay_ms=1,
    index_interval_bytes=150,
)

KEYS = [b"key-%d" % number for number in range(6)]


class Producer:
    """What one producer has written in its open transaction."""

    def __init__(self, producer_id: int) -> None:
        self.id = producer_id
        self.sequence = 0
        self.open: list[tuple[int, bytes, bytes | None]] = []


class World:
    """A log, and what it must mean: `written` is every record that anybody committed, by offset."""

    def __init__(self, seed: int, memory: int) -> None:
        self.chance = random.Random(seed)
        self.shelf = CleaningShelf(CONFIG, memory=memory)
        self.written: dict[int, tuple[bytes, bytes | None]] = {}
        self.producers = [Producer(number) for number in (1, 2)]

    async def run(self, steps: int) -> None:
        self.log = await self.shelf.log()
        for _ in range(steps):
            await self.chance.choices(
                [
                    self.append,
                    self.append_in_transaction,
                    self.end_transaction,
                    self.clean,
                    self.restart,
                    self.wait,
                ],
                [10, 6, 3, 3, 1, 2],
            )[0]()
        for producer in self.producers:
            await self.end(producer)
        await self.append()
        await self.clean()
        self.check()

    def pairs(self) -> list[tuple[bytes, bytes | None]]:
        values = [b"value-%d" % self.chance.randrange(100), bytes(self.chance.randrange(120)), None]
        return [
            (self.chance.choice(KEYS), self.chance.choice(values)) for _ in range(self.chance.randint(1, 6))
        ]

    def add(self, pairs: list[tuple[bytes, bytes | None]], **fields: int) -> int:
        made = [Record(slot, WALL + slot, key, value) for slot, (key, value) in enumerate(pairs)]
        data = build(made, self.chance.choice(list(Codec)), **fields)  # type: ignore[arg-type]
        base = self.log.append(data, leader_epoch=0, wall=WALL).base_offset
        self.log.update_high_watermark(self.log.end_offset)
        return base

    async def append(self) -> None:
        pairs = self.pairs()
        base = self.add(pairs)
        self.written |= {base + slot: pair for slot, pair in enumerate(pairs)}

    async def append_in_transaction(self) -> None:
        producer = self.chance.choice(self.producers)
        pairs = self.pairs()
        base = self.add(
            pairs,
            producer_id=producer.id,
            producer_epoch=0,
            base_sequence=producer.sequence,
            transactional=True,
        )
        producer.sequence += len(pairs)
        producer.open += [(base + slot, key, value) for slot, (key, value) in enumerate(pairs)]

    async def end_transaction(self) -> None:
        await self.end(self.chance.choice(self.producers))

    async def end(self, producer: Producer) -> None:
        if not producer.open:
            return
        committed = self.chance.random() < 0.6
        marker = build_end_transaction(producer.id, 0, EndTransaction(committed, 0), WALL)
        self.log.append(marker, leader_epoch=0, origin=Origin.COORDINATOR, wall=WALL)
        self.log.update_high_watermark(self.log.end_offset)
        if committed:
            self.written |= {offset: (key, value) for offset, key, value in producer.open}
        producer.open = []

    async def clean(self) -> None:
        while await self.shelf.cleaner.clean_dirtiest():
            assert not self.shelf.cleaner.uncleanable
        self.check()

    async def restart(self) -> None:
        self.log = await self.shelf.restart(clean=self.chance.random() < 0.5)
        self.log.update_high_watermark(self.log.end_offset)
        self.shelf.new_cleaner()
        for producer in self.producers:
            state = self.log.producers.get(producer.id)
            # A producer that has written goes on where it was, whatever compaction did to its batches.
            assert (-1 if state is None else state.last_sequence) == producer.sequence - 1

    async def wait(self) -> None:
        self.shelf.clock.pass_ms(self.chance.choice([1, 60]))

    # -- what must hold ------------------------------------------------------------------------------------------

    def check(self) -> None:
        assert self.log.directory.online
        found = self.committed()
        assert found.items() <= self.written.items(), "a record that nobody committed, or at another offset"
        model = latest(self.written)
        seen = latest(found)
        for key, value in model.items():
            assert seen.get(key) == value
        dirty_from = self.log.active.base_offset
        assert {offset: pair for offset, pair in self.written.items() if offset >= dirty_from} == {
            offset: pair for offset, pair in found.items() if offset >= dirty_from
        }

    def committed(self) -> dict[int, tuple[bytes, bytes | None]]:
        """All that a read_committed consumer gets from the start of the log to its end."""
        data = self.read(self.log)
        aborted = sorted(
            self.log.aborted_transactions(self.log.start_offset, self.log.end_offset),
            key=lambda entry: entry.first_offset,
        )
        found: dict[int, tuple[bytes, bytes | None]] = {}
        ongoing: set[int] = set()
        for position, header in headers(data):
            while aborted and aborted[0].first_offset <= header.last_offset:
                ongoing.add(aborted.pop(0).producer_id)
            if header.last_offset >= self.log.last_stable_offset:
                break
            if header.is_control:
                ongoing.discard(header.producer_id)
            elif not (header.is_transactional and header.producer_id in ongoing):
                for record in records(data[position : position + header.size], header):
                    assert record.key is not None
                    found[record.offset] = (record.key, record.value)
        return found | {
            offset: pair for offset, pair in self.written.items() if offset >= self.log.last_stable_offset
        }

    @staticmethod
    def read(log: Log) -> bytes:
        out = b""
        offset = log.start_offset
        while offset < log.end_offset:
            read = log.read(offset, 1 << 20)
            if not read.size:
                break
            out += taken(read)
            offset = read.upper_offset
        return out


def latest(pairs: dict[int, tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """The table that the records describe."""
    table: dict[bytes, bytes] = {}
    for _, (key, value) in sorted(pairs.items()):
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return table


@given(seed=st.integers(0, 2**32), memory=st.sampled_from([24 * 5, 24 * 13, 1 << 16]))
@settings(max_examples=60)
def test_a_compacted_log_means_what_it_meant(seed: int, memory: int) -> None:
    asyncio.run(World(seed, memory).run(60))
