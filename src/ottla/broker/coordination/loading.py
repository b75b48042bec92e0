"""Reading a coordinator's partition from its start: every record goes to the machine, in order.

The log is read in the chunks a fetch would read, off the loop where it is not in the page cache, and other clients are
served between two chunks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Final, NamedTuple

from ottla.broker.storage.log import Log
from ottla.core.coordination import batches
from ottla.core.coordination.batches import Ended, Replayed, Unreadable
from ottla.core.coordination.contract import Coordinator, Moment, Placing
from ottla.core.coordination.newest import Newest
from ottla.core.records.batch import BatchHeader, headers
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.coordinator_records import RecordType
from ottla.world.doors import Clock

_log = logging.getLogger("ottla.coordination")

PROGRESS_EVERY_MS: Final = 5_000
_PIECE: Final = 1 << 20
"""Bytes replayed in one turn of the loop, at least a batch."""
_RECORDS: Final = 5_000
"""Records applied in one turn of the loop, of those that were kept for the end."""
_COMPLAINTS: Final = 3
"""Lines about unreadable records in one loading; the rest is counted."""


class Loaded(NamedTuple):
    records: int
    bytes: int
    unreadable: int


async def load(
    log: Log,
    machine: Coordinator,
    types: Mapping[int, RecordType],
    clock: Clock,
    chunk_bytes: int,
    wanted: Callable[[], bool],
    placing: Placing | None = None,
    newest_only: Set[int] = frozenset(),
) -> Loaded:
    """Replay the log into `machine`, until its end or until it is not `wanted` any more. `placing` is the machine if it
    wants to know where its records lie; `newest_only` are the types of keys of which it needs the newest record only.
    Raises KafkaError, OSError."""
    replay = Replay(log, machine, types, placing, newest_only)
    volume = 0
    told_at = clock.now()
    offset = log.start_offset
    while wanted() and offset < log.end_offset:
        found = log.read(offset, min(chunk_bytes, _PIECE), min_one=True)
        if found.records is None:
            break
        try:
            data = await found.records.file.read_cold(found.records.size, found.records.position)
        finally:
            found.records.release()
        moment = Moment(clock.now(), clock.wall())
        for position, header in headers(data):
            if header.is_transactional:
                await replay.catch_up(clock, wanted)
            replay.batch(memoryview(data)[position : position + header.size], header, moment)
        volume += len(data)
        offset = found.upper_offset
        if clock.now() - told_at >= PROGRESS_EVERY_MS:
            told_at = clock.now()
            share = 100 * (offset - log.start_offset) // max(log.end_offset - log.start_offset, 1)
            _log.info("loading %s: %d %% of its offsets, %d records", log.name, share, replay.records)
    await replay.catch_up(clock, wanted)
    return Loaded(replay.records, volume, replay.unreadable)


class Replay:
    """One log on its way into a machine."""

    def __init__(
        self,
        log: Log,
        machine: Coordinator,
        types: Mapping[int, RecordType],
        placing: Placing | None,
        newest_only: Set[int],
    ) -> None:
        self.records = 0
        self.unreadable = 0
        self._log = log
        self._machine = machine
        self._types = types
        self._placing = placing
        self._newest = Newest(newest_only)

    def batch(self, data: memoryview, header: BatchHeader, moment: Moment) -> None:
        newest = None if header.is_transactional else self._newest
        if not header.is_control:
            self.records += header.count
        self._take(batches.read(data, header, self._types, newest), moment)

    async def catch_up(self, clock: Clock, wanted: Callable[[], bool]) -> None:
        """Apply what was kept for later; others are served in between."""
        while self._newest and wanted():
            moment = Moment(clock.now(), clock.wall())
            self._take(batches.decoded(self._newest.take(_RECORDS), self._types), moment)
            if self._newest:
                await clock.sleep(0)

    def _take(self, found: Iterable[Replayed | Ended | Unreadable], moment: Moment) -> None:
        for each in found:
            wrong = _apply(each, self._machine, moment, self._placing)
            if wrong is not None:
                self.unreadable += 1
                if self.unreadable <= _COMPLAINTS:
                    text = "%s: the record at offset %d is passed over: %s"
                    _log.warning(text, self._log.name, wrong.offset, wrong.reason)


def _apply(
    each: Replayed | Ended | Unreadable, machine: Coordinator, moment: Moment, placing: Placing | None
) -> Unreadable | None:
    """What is wrong with a record that says nothing to this machine."""
    if isinstance(each, Replayed):
        try:
            machine.apply(moment, each.key, each.value, each.producer)
        except DecodeError as error:
            return Unreadable(each.offset, str(error))
        if placing is not None:
            placing.placed(each.offset, each.key, each.value)
    elif isinstance(each, Ended):
        machine.ended(each.producer_id, each.committed)
    else:
        return each
    return None
