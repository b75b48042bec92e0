"""Opening the log in a partition directory.

After an orderly stop that is a matter of a few small reads: where the last segment ends, and the newest producer
snapshot. After any other every segment from the recovery point on is scanned (`recovery`): batch by batch until the
first that is damaged, where the log is cut; segments after it go, indexes and epochs are written anew. A long scan runs
in a child process and says in the node's log how far it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from ottla.broker.storage.directory import LogDirectory, read_file, write_file
from ottla.broker.storage.log import Log
from ottla.broker.storage.recovery import (
    CHILD_ENTRY,
    RecoveredSegment,
    RecoveryPlan,
    decode_recovered,
    encode_plan,
    recover,
)
from ottla.broker.storage.segment import Segment, walk_headers
from ottla.broker.storage.shrinking import rebuild_producers, remove_segments, truncate_fully
from ottla.core.log.checkpoints import (
    parse_epochs,
    parse_partition_metadata,
)
from ottla.core.log.config import LogConfig
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.leftovers import tidy
from ottla.core.log.names import (
    INDEX,
    LEADER_EPOCH_FILE,
    LOG,
    PARTITION_METADATA_FILE,
    TIME_INDEX,
    TRANSACTION_INDEX,
    parse_snapshot,
    segment_file,
    snapshot_file,
)
from ottla.core.log.producers import ProducerStates
from ottla.core.model.ids import METADATA_TOPIC, ZERO_UUID, Uuid
from ottla.world.doors import Disk

_log = logging.getLogger("ottla.storage")

CHILD_ABOVE: Final = 8 << 20
"""Bytes to scan from which on a child process is worth its start."""
_PROGRESS_EVERY_MS: Final = 5_000


def create_log(
    directory: LogDirectory,
    name: str,
    topic: str,
    partition: int,
    topic_id: Uuid,
    config: LogConfig,
    start: int = 0,
) -> Log:
    """A new, empty log in the directory `name`, which is made. Raises OSError, KafkaError."""
    disk = directory.disk
    path = f"{directory.path}/{name}"
    disk.make_directory(path)
    segment = Segment.make(disk, path, start, wall=directory.clock.wall())
    producers = ProducerStates()
    producers.clear(start)
    producers.snapshot_offset = start
    log = Log(
        directory,
        path,
        topic,
        partition,
        topic_id,
        config,
        segments=[segment],
        start_offset=start,
        end_offset=start,
        recovery_point=start,
        leader_epochs=LeaderEpochs(),
        producers=producers,
        snapshots=set(),
    )
    if topic_id != ZERO_UUID:
        log.assign_topic_id(topic_id)
    return log


def read_topic_id(disk: Disk, path: str) -> Uuid:
    """The zero UUID when the partition has none, or when a power cut tore the file before it was ever flushed: the
    metadata then says whose log it is. Raises OSError."""
    data = read_file(disk, f"{path}/{PARTITION_METADATA_FILE}")
    if data is None:
        return ZERO_UUID
    try:
        return parse_partition_metadata(data.decode())
    except ValueError as error:
        _log.warning("%s/%s is ignored: %s", path, PARTITION_METADATA_FILE, error)
        return ZERO_UUID


async def load_log(
    directory: LogDirectory,
    name: str,
    topic: str,
    partition: int,
    config: LogConfig,
    *,
    recovery_point: int,
    start_offset: int,
    high_watermark: int = 0,
    clean: bool,
) -> Log:
    """Open the log in the directory `name`. `clean`: the node that wrote it stopped in order. Raises OSError, and
    ValueError when the directory holds what cannot be a log."""
    disk, wall = directory.disk, directory.clock.wall()
    path = f"{directory.path}/{name}"
    topic_id = read_topic_id(disk, path)
    names, bases = _tidy(disk, path)
    segments = [_open_segment(disk, path, base, wall) for base in bases]
    snapshots = {offset for offset in map(parse_snapshot, names) if offset is not None}
    epochs = _read_epochs(disk, path)
    damaged = [
        segment for segment in segments if _index_fault(segment, set(names), segment is segments[-1], clean)
    ]
    log = Log(
        directory,
        path,
        topic,
        partition,
        topic_id,
        config,
        segments=segments,
        start_offset=max(start_offset, bases[0] if bases else start_offset),
        end_offset=0,
        recovery_point=recovery_point,
        leader_epochs=epochs,
        producers=ProducerStates(),
        snapshots=snapshots,
    )
    if not clean and segments:
        unflushed = segments[max(log.slot(recovery_point), 0) :]
        for segment in damaged:
            if segment.base_offset < unflushed[0].base_offset:
                await _recover(log, [segment], wall)
        await _recover(log, unflushed, wall)
    else:
        for segment in damaged:
            await _recover(log, [segment], wall)
    _settle(log, wall, clean)
    log.update_high_watermark(high_watermark)
    return log


def _tidy(disk: Disk, path: str) -> tuple[list[str], list[int]]:
    """Put right what an interrupted compaction or deletion left. The names and segments that are there then."""
    names = disk.list(path)

    def swap_end(name: str) -> int:
        file = disk.open(f"{path}/{name}")
        try:
            end = 0
            for _, header in walk_headers(file, file.size()):
                end = header.next_offset
            return end
        finally:
            file.close()

    plan = tidy(names, swap_end)
    for name in plan.remove:
        _log.info("Removing %s/%s, left behind by an interrupted deletion or compaction", path, name)
        disk.remove(f"{path}/{name}")
    for old, new in plan.rename:
        _log.info("Finishing an interrupted compaction: %s/%s becomes %s", path, old, new)
        disk.rename(f"{path}/{old}", f"{path}/{new}")
    return disk.list(path) if plan.remove or plan.rename else names, plan.segments


def _open_segment(disk: Disk, path: str, base_offset: int, wall: int) -> Segment:
    size = disk.size(f"{path}/{segment_file(base_offset, LOG)}")
    segment = Segment(disk, path, base_offset, size=size, created=wall)
    segment.durable_name = True
    return segment


def _read_epochs(disk: Disk, path: str) -> LeaderEpochs:
    data = read_file(disk, f"{path}/{LEADER_EPOCH_FILE}")
    if data is None:
        return LeaderEpochs()
    try:
        return LeaderEpochs(parse_epochs(data.decode()))
    except ValueError as error:
        _log.warning("%s/%s is ignored: %s", path, LEADER_EPOCH_FILE, error)
        return LeaderEpochs()


def _index_fault(segment: Segment, names: set[str], last: bool, clean: bool) -> str | None:
    """What is wrong with the indexes of a segment, None when they may be trusted. Only the last segment's are opened:
    a node with a hundred thousand segments has to start, too."""
    if not segment.size:
        return None
    fault = None
    for suffix, what in ((INDEX, "offset"), (TIME_INDEX, "time")):
        if segment_file(segment.base_offset, suffix) not in names:
            fault = f"there is no {what} index"
    if fault is None and last:
        fault = segment.index.fault(segment.size) or segment.time_index.fault()
    if fault is None and segment_file(segment.base_offset, TRANSACTION_INDEX) in names:
        fault = segment.transactions.fault(segment.base_offset)
    if fault is not None and clean:
        _log.warning("%r is scanned and its indexes are rebuilt: %s", segment, fault)
    return fault


def _plan(log: Log, segments: list[Segment], wall: int) -> RecoveryPlan:
    first = segments[0].base_offset
    usable = [snapshot for snapshot in log.snapshots if snapshot <= first]
    snapshot = max(usable, default=-1)
    earlier = [
        segment.base_offset
        for segment in log.segments[max(log.slot(max(snapshot, 0)), 0) :]
        if segment.base_offset < first
    ]
    return RecoveryPlan(
        log.path,
        [segment.base_offset for segment in segments],
        earlier if snapshot != first else [],
        snapshot,
        log.leader_epochs.entries(),
        log.config.index_interval_bytes,
        log.start_offset,
        wall,
        log.directory.producer_expiration_ms,
    )


async def _recover(log: Log, segments: list[Segment], wall: int) -> None:
    """Scan `segments` and put them in order; cut the log at the first damage."""
    disk = log.directory.disk
    total = sum(segment.size for segment in segments)
    plan = _plan(log, segments, wall)
    if total >= CHILD_ABOVE:
        _log.info("Recovering %s: %s in %d segments", log.name, _bytes(total), len(segments))
        data = await disk.child(CHILD_ENTRY, encode_plan(plan), _progress_logger(log, total))
        found = decode_recovered(data)
    else:
        found = recover(disk, plan)
    log.leader_epochs = LeaderEpochs(found.epochs)
    log.leader_epochs.changed = found.epochs != plan.epochs
    for segment, result in zip(segments, found.segments, strict=False):
        _adopt(log, segment, result)
    last = found.segments[-1]
    if last.fault is None:
        return
    lost = last.size - last.valid_bytes
    level = logging.WARNING if lost else logging.INFO
    _log.log(level, "Cut %d bytes from %s at offset %d: %s", lost, log.name, last.next_offset, last.fault)
    gone = segments[len(found.segments) :]
    if gone:
        _log.warning("Removing %d segments of %s after the damage", len(gone), log.name)
        kept = [segment for segment in log.segments if segment not in gone]
        log.set_segments(kept)
        remove_segments(log, gone)


def _adopt(log: Log, segment: Segment, result: RecoveredSegment) -> None:
    """Make files and memory what the scan found."""
    if result.valid_bytes < result.size:
        segment.file.truncate(result.valid_bytes)
    segment.size = segment.indexed_size = result.valid_bytes
    segment.index.replace(result.offset_index)
    segment.time_index.replace(result.time_index)
    segment.transactions.replace(result.aborted)
    segment.set_max_timestamp(result.max_timestamp, result.max_timestamp_offset)
    for stale in [offset for offset in log.snapshots if segment.base_offset < offset < result.next_offset]:
        log.directory.disk.remove(f"{log.path}/{snapshot_file(stale)}")
        log.snapshots.discard(stale)
    if result.next_offset > segment.base_offset:
        write_file(
            log.directory.disk,
            f"{log.path}/{snapshot_file(result.next_offset)}",
            result.producers,
            sync=False,
        )
        log.snapshots.add(result.next_offset)


def _progress_logger(log: Log, total: int) -> Callable[[str], None]:
    clock = log.directory.clock
    began = said = clock.now()

    def progress(text: str) -> None:
        nonlocal said
        now = clock.now()
        if now - said >= _PROGRESS_EVERY_MS:
            said = now
            done = int(text)
            speed = done * 1000 // max(now - began, 1)
            left = (total - done) // max(speed, 1)
            _log.info(
                "Recovering %s: %s of %s, %s/s, about %d s left",
                log.name,
                _bytes(done),
                _bytes(total),
                _bytes(speed),
                left,
            )

    return progress


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count // size} {unit}"
    return f"{count} bytes"


def _settle(log: Log, wall: int, clean: bool) -> None:
    """The segments are in order: find the end, then the epochs and producers up to it."""
    if log.segments:
        log.end_offset = log.segments[-1].next_offset()
    if not log.segments or log.end_offset < log.start_offset:
        if log.segments:
            _log.warning(
                "%s ends at %d, below its start offset %d: it is emptied",
                log.name,
                log.end_offset,
                log.start_offset,
            )
        truncate_fully(log, log.start_offset, wall)
        return
    log.recovery_point = log.end_offset if clean else min(log.recovery_point, log.end_offset)
    log.high_watermark = log.start_offset
    recovered = log.leader_epochs.changed
    log.leader_epochs.truncate_end(log.end_offset)
    log.leader_epochs.truncate_start(log.start_offset)
    if recovered:  # what was merely cut off here would be cut off the same way the next time
        log.write_epochs()
    _drop_stray_snapshots(log)
    if clean and not log.snapshots:
        # An orderly stop leaves a snapshot whenever there was a producer.
        log.producers.clear(log.end_offset)
        log.producers.snapshot_offset = log.start_offset
    else:
        rebuild_producers(log, wall)


def _drop_stray_snapshots(log: Log) -> None:
    """Snapshots are kept at the start of each segment, and the newest."""
    bases = {segment.base_offset for segment in log.segments}
    newest = max((offset for offset in log.snapshots if offset <= log.end_offset), default=-1)
    for offset in sorted(log.snapshots):
        if offset != newest and offset not in bases:
            log.directory.disk.remove(f"{log.path}/{snapshot_file(offset)}")
            log.snapshots.discard(offset)


def is_metadata(name: str) -> bool:
    """Whether a directory name is the metadata log's, which the quorum opens, not the store."""
    return name.startswith(METADATA_TOPIC + "-")
