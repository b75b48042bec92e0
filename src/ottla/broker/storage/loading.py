"""Opening the log in a partition directory.

After an orderly stop that is a matter of a few small reads: where the last segment ends, and the newest producer
snapshot. After any other every segment from the recovery point on is scanned and put in order (`repairing`).
"""

from __future__ import annotations

import logging

from ottla.broker.storage.directory import LogDirectory, read_file
from ottla.broker.storage.log import Log
from ottla.broker.storage.repairing import recover_segments
from ottla.broker.storage.rolling import drop_failed_roll
from ottla.broker.storage.segment import Segment, walk_headers
from ottla.broker.storage.shrinking import rebuild_producers, truncate_fully
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
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import METADATA_TOPIC, ZERO_UUID, Uuid
from ottla.world.doors import Disk

_log = logging.getLogger("ottla.storage")


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
    log.durable_name = False
    if topic_id != ZERO_UUID:
        log.assign_topic_id(topic_id)
    return log


def read_topic_id(disk: Disk, path: str) -> Uuid:
    """The zero UUID when the partition has none, or when a power cut tore the file before it was ever flushed: nobody
    can say then whose log it is. Raises OSError."""
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
    cleaned: bool = False,
) -> Log:
    """Open the log in the directory `name`. `clean`: the node that wrote it stopped in order; `cleaned`: the log was
    compacted once. Raises OSError, and ValueError when the directory holds what cannot be a log."""
    disk, wall = directory.disk, directory.clock.wall()
    path = f"{directory.path}/{name}"
    topic_id = read_topic_id(disk, path)
    names, bases = _tidy(disk, path)
    segments = drop_failed_roll([_open_segment(disk, path, base, wall) for base in bases])
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
    if not clean:
        # Whoever wrote them may have died before they were synced.
        log.unsynced_names.update({PARTITION_METADATA_FILE, LEADER_EPOCH_FILE})
    if not clean and segments:
        unflushed = segments[max(log.slot(recovery_point), 0) :]
        for segment in damaged:
            if segment.base_offset < unflushed[0].base_offset:
                await recover_segments(log, [segment], wall)
        await recover_segments(log, unflushed, wall, whole=not cleaned and not config.compacts)
    else:
        for segment in damaged:
            await recover_segments(log, [segment], wall)
    try:
        _settle(log, wall, clean)
    except KafkaError as error:
        _log.warning("%s is scanned whole: its batches cannot be read: %s", log.name, error)
        await recover_segments(log, log.segments, wall)
        _settle(log, wall, False)
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
    segment.durable_name = segment.durable_indexes = True
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
    log.segments[-1].durable_indexes = False
    log.high_watermark = log.start_offset
    recovered = log.leader_epochs.changed
    log.leader_epochs.truncate_end(log.end_offset)
    log.leader_epochs.truncate_start(log.start_offset)
    if recovered:  # what was merely cut off here would be cut off the same way the next time
        _write_epochs_if_room(log)
    _drop_stray_snapshots(log)
    if clean and not log.snapshots:
        # An orderly stop leaves a snapshot whenever there was a producer.
        log.producers.clear(log.end_offset)
        log.producers.snapshot_offset = log.start_offset
    else:
        rebuild_producers(log, wall)


def _write_epochs_if_room(log: Log) -> None:
    """A full disk leaves them to the next append. Raises KafkaError."""
    try:
        log.write_epochs()
    except KafkaError:
        if not log.directory.online:
            raise


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
