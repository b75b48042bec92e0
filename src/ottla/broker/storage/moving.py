"""Moving a log to another log directory of the same node (KIP-113).

The copy grows in a directory named `…-future` beside whatever else happens to the log, by reading the log as a follower
would. Once it holds everything it is synced, and in one turn of the loop takes over: what was appended meanwhile is
copied, the old directory is renamed to `…-delete` and the copy to the partition's own name.

A crash between the two renames leaves a copy without an original beside a directory marked for deletion; the next start
knows by this pair that the copy was complete, and finishes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.flushing import first_unsynced
from ottla.broker.storage.loading import create_log
from ottla.broker.storage.log import Log
from ottla.core.log.config import NEVER
from ottla.core.log.names import FUTURE, marked_directory, partition_directory
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import headers
from ottla.world.doors import Task

if TYPE_CHECKING:
    from ottla.broker.storage.store import LogStore

_log = logging.getLogger("ottla.storage")

_CHUNK: Final = 1 << 20
"""Bytes copied at a time."""
_LAST_CHUNK: Final = 4 << 20
"""So far behind the copy may be when the rest is copied at one go, on the loop."""
_LONGEST_PAUSE_MS: Final = 1_000
"""A slow move looks this often whether it is still wanted."""


class Moves:
    """The moves of one store."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._tasks: dict[Log, Task] = {}
        self.listeners: list[Callable[[Log, Log], None]] = []
        self._bytes_per_second = NEVER
        self._free_at = 0.0
        """When what was copied so far may have been copied at that rate, in monotonic ms."""

    def limit(self, bytes_per_second: int) -> None:
        """All moves together copy no faster from now on. With 0 they wait."""
        if bytes_per_second != self._bytes_per_second:
            self._bytes_per_second = bytes_per_second
            self._free_at = 0.0

    def move(self, topic: str, partition: int, directory: LogDirectory) -> None:
        """See `LogStore.move`."""
        store = self._store
        log = store.get(topic, partition)
        if log is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{topic}-{partition} has no log here")
        directory.check_online()
        future = store.future(topic, partition)
        if future is not None:
            if future.directory is directory:
                return
            self._give_up(future)
        if log.directory is directory:
            return
        name = marked_directory(topic, partition, FUTURE, store.chance.bytes(16))
        try:
            store.begin_anew(directory, topic, partition)
            start = _beginning(log)
            copy = create_log(directory, name, topic, partition, log.topic_id, log.config, start)
        except OSError as error:
            raise directory.storage_error(f"creating {name}", error) from error
        store.adopt(copy, FUTURE)
        _log.info("Moving %s from %s to %s", log.name, log.directory.path, directory.path)
        self.begin(copy)

    def begin(self, copy: Log) -> None:
        """Go on copying."""
        if copy not in self._tasks:
            self._tasks[copy] = self._store.clock.spawn(self._run(copy), name=f"move {copy.name}")

    def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def _give_up(self, copy: Log) -> None:
        task = self._tasks.pop(copy, None)
        if task is not None:
            task.cancel()
        self._store.drop_future(copy)

    async def _run(self, copy: Log) -> None:
        try:
            while self._original(copy) is not None:
                pause = self._pause()
                if not pause and await self._step(copy):
                    break
                await self._store.clock.sleep(pause)
        except KafkaError as error:
            _log.error("Moving %s to %s stopped: %s", copy.name, copy.directory.path, error)
        finally:
            self._tasks.pop(copy, None)

    def _pause(self) -> int:
        """How long to wait before copying more, in ms."""
        if not self._bytes_per_second:
            return _LONGEST_PAUSE_MS
        ahead = self._free_at - self._store.clock.now()
        return min(ceil(max(ahead, 0)), _LONGEST_PAUSE_MS)

    def _copied(self, size: int) -> None:
        if self._bytes_per_second:
            began = max(self._free_at, self._store.clock.now())
            self._free_at = began + 1000 * size / self._bytes_per_second

    def _original(self, copy: Log) -> Log | None:
        """The log to copy, as long as there is one and the move was not given up."""
        store = self._store
        if copy.closed or store.future(copy.topic, copy.partition) is not copy:
            return None
        return store.get(copy.topic, copy.partition)

    async def _step(self, copy: Log) -> bool:
        """Copy a little; True when the copy has taken over."""
        log = self._original(copy)
        if log is None:
            return True
        self._align(log, copy)
        if self._behind(log, copy) > _LAST_CHUNK:
            await self._copy_some(log, copy)
            return False
        self._copy_rest(log, copy)
        await copy.flush()
        current = self._original(copy)
        if current is not log or self._behind(log, copy) > _LAST_CHUNK:
            return False
        self._align(log, copy)
        self._copy_rest(log, copy)
        if copy.recovery_point < log.recovery_point:
            _sync_rest(copy)
        self._take_over(log, copy)
        return True

    def _align(self, log: Log, copy: Log) -> None:
        """Follow what happened to the ends of the log since the last look."""
        wall = self._store.clock.wall()
        if copy.end_offset > log.end_offset:
            copy.truncate_to(log.end_offset, wall=wall)
        begin = _beginning(log)
        if copy.end_offset < begin:
            copy.truncate_fully(begin, wall=wall)

    def _behind(self, log: Log, copy: Log) -> int:
        """How many bytes the copy lacks."""
        slot = max(log.slot(copy.end_offset), 0)
        later = sum(segment.size for segment in log.segments[slot + 1 :])
        try:
            place = log.segments[slot].locate(copy.end_offset)
        except OSError as error:
            raise log.directory.read_error(f"reading {log.name}", error) from error
        return later if place is None else later + log.segments[slot].size - place.position

    async def _copy_some(self, log: Log, copy: Log) -> None:
        read = log.read(max(copy.end_offset, log.start_offset), _CHUNK)
        if read.records is None:
            return
        try:
            data = await read.records.file.read_cold(read.records.size, read.records.position)
        except OSError as error:
            raise log.directory.read_error(f"reading {log.name}", error) from error
        finally:
            read.records.release()
        if not copy.closed:
            self._append(copy, data)

    def _copy_rest(self, log: Log, copy: Log) -> None:
        while copy.end_offset < log.end_offset:
            read = log.read(max(copy.end_offset, log.start_offset), _CHUNK)
            if read.records is None:
                # Compaction emptied the end of the log: there are offsets, but no batches up to them.
                return
            try:
                data = read.records.file.read(read.records.size, read.records.position)
            except OSError as error:
                raise log.directory.read_error(f"reading {log.name}", error) from error
            finally:
                read.records.release()
            self._append(copy, data)

    def _append(self, copy: Log, data: bytes) -> None:
        """As much at a time as a segment takes. A batch from the days of larger segments gets one of its own size."""
        wall, view = self._store.clock.wall(), memoryview(data)
        begin = end = 0
        for position, header in headers(data):
            if header.size > copy.config.segment_bytes:
                copy.update_config(replace(copy.config, segment_bytes=header.size))
            if position + header.size - begin > copy.config.segment_bytes:
                copy.append_as_follower(view[begin:position], wall=wall)
                begin = position
            end = position + header.size
        copy.append_as_follower(view[begin:end], wall=wall)
        self._copied(end)

    def _take_over(self, log: Log, copy: Log) -> None:
        copy.producers.adopt(log.producers)
        copy.leader_epochs.replace(log.leader_epochs.entries())
        copy.end_offset = log.end_offset
        # A crash may have forgotten how far records were deleted; the copy was begun behind them.
        copy.start_offset = max(log.start_offset, copy.segments[0].base_offset)
        copy.high_watermark = log.high_watermark
        copy.update_config(log.config)
        copy.write_epochs()
        try:
            self._store.remember_start(copy)  # the old directory's line goes with the old log
        except OSError as error:
            raise copy.directory.storage_error(f"writing where {copy.name} starts", error) from error
        with self._store.removals.replacing(log):
            self._settle(log, copy)
        for listener in self.listeners:
            listener(log, copy)
        _log.info("Moved %s to %s", copy.name, copy.directory.path)

    def _settle(self, log: Log, copy: Log) -> None:
        self._rename(copy)
        self._store.replace(log, copy)

    def _rename(self, copy: Log) -> None:
        """Give the copy the partition's own name."""
        path = f"{copy.directory.path}/{partition_directory(copy.topic, copy.partition)}"
        try:
            for segment in copy.segments:
                segment.write_indexes()
            self._store.disk.rename(copy.path, path)
            self._store.disk.sync_directory(copy.directory.path)  # before the old one's files go
        except OSError as error:
            raise copy.directory.storage_error(f"moving {copy.name}", error) from error
        copy.relocate(path)

    def finish_halves(self) -> None:
        """After loading: copies whose original is marked for deletion already take its place. Raises KafkaError."""
        store = self._store
        for copy in store.futures():
            key = (copy.topic, copy.partition)
            if store.get(*key) is None and key in store.half_moved:
                _log.info("Finishing the move of %s to %s", copy.name, copy.directory.path)
                self._settle(copy, copy)
        store.half_moved.clear()


def _beginning(log: Log) -> int:
    """Where a copy of `log` begins: DeleteRecords may have left the start offset in the middle of a batch, and batches are
    copied whole. Raises KafkaError."""
    slot = max(log.slot(log.start_offset), 0)
    try:
        place = log.segments[slot].locate(log.start_offset)
    except OSError as error:
        raise log.directory.read_error(f"reading {log.name}", error) from error
    return log.start_offset if place is None else min(place.base_offset, log.start_offset)


def _sync_rest(copy: Log) -> None:
    """What was flushed in the log while the copy was flushed was promised: on the loop, as nothing may come in between, and
    little, as the copy was flushed just now. Raises KafkaError."""
    try:
        for segment in copy.segments[first_unsynced(copy) :]:
            segment.file.sync_now()
        copy.directory.disk.sync_directory(copy.path)
    except OSError as error:
        copy.directory.fail(f"syncing {copy.name}", error)
        raise copy.directory.storage_error(f"syncing {copy.name}", error) from error
