"""How records reach the application: one at a time, or a partition's at a time as columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from ottla.client.consuming.fetcher import Fetcher
from ottla.client.consuming.holdings import Holdings
from ottla.client.consuming.positions import Position
from ottla.client.consuming.records import ConsumerRecord, Reading, records_of
from ottla.client.fetched import Fetched
from ottla.core.records.record import Header

WAIT_MS: Final = 60_000
"""How long one wait for records lasts; the next follows at once."""


class Source(Protocol):
    """The consumer, as far as it is needed here."""

    async def poll(self, max_wait: int) -> list[Fetched]: ...

    async def yield_turn(self) -> None: ...


class Batch:
    """What one fetch brought of one partition, as columns: what stands at one index is one record.

    Timestamps are ms since 1970 (-1: none), keys and values bytes, or what a deserializer made of them, or None.
    """

    __slots__ = ("_fetched", "headers", "keys", "offsets", "timestamps", "values")

    def __init__(self, fetched: Fetched, reading: Reading) -> None:
        columns = reading.columns(fetched)
        self._fetched = fetched
        self.offsets: list[int] = columns.offsets
        self.timestamps: list[int] = columns.timestamps
        self.keys: list[Any] = columns.keys
        self.values: list[Any] = columns.values
        self.headers: list[tuple[Header, ...]] = columns.headers

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def topic(self) -> str:
        return self._fetched.topic

    @property
    def partition(self) -> int:
        return self._fetched.partition

    @property
    def next_offset(self) -> int:
        """The offset to commit once all of it is done."""
        return self._fetched.next_offset

    @property
    def high_watermark(self) -> int:
        """The end of the partition when this was fetched: what is between is what we lag behind."""
        return self._fetched.high_watermark

    def to_arrow(self) -> Any:
        """A `pyarrow.RecordBatch`: offset, timestamp, key, value. Headers stay behind. Raises NotInstalled."""
        from ottla.client.consuming.frames import to_arrow

        return to_arrow(self)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of the same columns. Raises NotInstalled."""
        from ottla.client.consuming.frames import to_pandas

        return to_pandas(self)

    def to_polars(self) -> Any:
        """A `polars.DataFrame` of the same columns; needs pyarrow too. Raises NotInstalled."""
        from ottla.client.consuming.frames import to_polars

        return to_polars(self)


async def each_batch(
    source: Source, fetcher: Fetcher, holdings: Holdings, reading: Reading
) -> AsyncIterator[Batch]:
    while True:
        for fetched, position in taken_back(fetcher, await source.poll(WAIT_MS)):
            if holdings.wanted:
                await source.yield_turn()
            if position.paused or not fetcher.stands_at(position, fetched.first_offset):
                continue
            batch = Batch(fetched, reading)
            position.offset = fetched.next_offset
            holdings.handed += 1
            if batch.offsets:
                yield batch


async def each_record(
    source: Source, fetcher: Fetcher, holdings: Holdings, reading: Reading
) -> AsyncIterator[ConsumerRecord]:
    while True:
        for fetched, position in taken_back(fetcher, await source.poll(WAIT_MS)):
            at = fetched.first_offset
            if position.paused or not fetcher.stands_at(position, at):
                continue
            for record in records_of(fetched, reading.columns(fetched)):
                if holdings.wanted:
                    await source.yield_turn()
                if position.paused or not fetcher.stands_at(position, at):
                    break  # it was sent elsewhere, is held, or is ours no more
                position.offset = at = record.offset + 1
                holdings.handed += 1
                yield record
            else:
                if position.offset == at:
                    position.offset = fetched.next_offset


def taken_back(fetcher: Fetcher, taken: list[Fetched]) -> list[tuple[Fetched, Position]]:
    """`poll` counts all it gives as handed out; here it counts piece by piece, so that whoever breaks off misses nothing."""
    kept = [(fetched, fetcher.rewind(fetched)) for fetched in reversed(taken)]
    kept.reverse()
    return kept
