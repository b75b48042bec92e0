"""Recovering segments after an unclean stop: the reading, which a child process can do, and what it found.

The plan names segments in order; each is scanned from its start (`core.log.scan`) until one turns out damaged. The
result holds everything the node needs to put the log in order: how many bytes of each are good, the contents of their
indexes, the leader epochs, and the producers at the end of each segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from ottla.broker.storage.directory import read_file
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.names import LOG, segment_file, snapshot_file
from ottla.core.log.producers import ProducerStates
from ottla.core.log.scan import CHUNK, SegmentScan, replay
from ottla.core.records.batch import headers
from ottla.world.doors import Disk

CHILD_ENTRY: Final = "ottla.broker.storage.recovery:recover_in_child"

_PROGRESS_STEP: Final = 64 << 20


class RecoveryPlan(msgspec.Struct):
    """Segments to scan. `snapshot` is the newest producer snapshot at or below the first of them, -1 without one;
    batches between the two are replayed from `earlier` segments."""

    path: str
    segments: list[int]
    earlier: list[int]
    snapshot: int
    epochs: list[tuple[int, int]]
    index_interval: int
    start_offset: int
    wall: int
    producer_expiration_ms: int
    whole: bool = False
    """Compaction never took anything out of the log: each segment ends where the next begins."""


class RecoveredSegment(msgspec.Struct):
    """`producers` is the snapshot to write at `next_offset`; `fault` says why the scan stopped before the end."""

    base_offset: int
    size: int
    valid_bytes: int
    next_offset: int
    max_timestamp: int
    max_timestamp_offset: int
    offset_index: bytes
    time_index: bytes
    aborted: bytes
    producers: bytes
    fault: str | None


class Recovered(msgspec.Struct):
    """Scanned segments, in order. The last one has a fault if there is one; segments after it were not read."""

    segments: list[RecoveredSegment]
    epochs: list[tuple[int, int]]


def recover(disk: Disk, plan: RecoveryPlan, progress: Callable[[int], None] | None = None) -> Recovered:
    """Scan; `progress` hears how many bytes were read so far. Raises OSError."""
    producers = _producers_before(disk, plan)
    epochs = LeaderEpochs(plan.epochs)
    done: list[RecoveredSegment] = []
    read = 0
    followings = [*plan.segments[1:], None]
    for base_offset, following in zip(plan.segments, followings, strict=True):
        scan = SegmentScan(base_offset, plan.index_interval, producers, epochs)
        file = disk.open(f"{plan.path}/{segment_file(base_offset, LOG)}")
        try:
            size = file.size()
            while scan.fault is None and scan.valid_bytes < size:
                wanted = max(CHUNK, scan.wanted)
                chunk = file.read(wanted, scan.valid_bytes)
                before = scan.valid_bytes
                scan.feed(chunk, before + len(chunk) >= size)
                if scan.fault is None and scan.wanted > size - scan.valid_bytes > 0:
                    # Not read for its length's sake: a damaged length may claim gigabytes.
                    scan.fault = f"a batch is cut short: {size - scan.valid_bytes} bytes are left"
                step = (read + scan.valid_bytes) // _PROGRESS_STEP
                if progress is not None and step != (read + before) // _PROGRESS_STEP:
                    progress(read + scan.valid_bytes)
        finally:
            file.close()
        if plan.whole and scan.fault is None and following is not None and scan.next_offset < following:
            # A power cut took the end of a file, to the batch, and left the name of the next one.
            scan.fault = f"the records up to {following} are missing"
        scan.finish()
        read += size
        done.append(_result(scan, size, producers.snapshot()))
        if scan.fault is not None:
            break
    return Recovered(done, epochs.entries())


def _result(scan: SegmentScan, size: int, producers: bytes) -> RecoveredSegment:
    return RecoveredSegment(
        scan.base_offset,
        size,
        scan.valid_bytes,
        scan.next_offset,
        scan.max_timestamp,
        scan.max_timestamp_offset,
        bytes(scan.offset_index),
        bytes(scan.time_index),
        bytes(scan.aborted),
        producers,
        scan.fault,
    )


def _producers_before(disk: Disk, plan: RecoveryPlan) -> ProducerStates:
    """The producers as they were where the first segment begins."""
    producers = ProducerStates()
    start = plan.start_offset
    if plan.snapshot >= 0:
        data = read_file(disk, f"{plan.path}/{snapshot_file(plan.snapshot)}")
        try:
            producers.load(data or b"", plan.snapshot, plan.wall, plan.producer_expiration_ms)
            start = plan.snapshot
        except ValueError:
            # As good as no snapshot: everything before is replayed, and loading the log will say that it is damaged.
            producers.clear(start)
    for base_offset in plan.earlier:
        file = disk.open(f"{plan.path}/{segment_file(base_offset, LOG)}")
        try:
            position, size = 0, file.size()
            wanted = CHUNK
            while position < size:
                chunk = file.read(wanted, position)
                used = 0
                for at, header in headers(chunk):
                    used = at + header.size
                    if header.producer_id >= 0 and header.last_offset >= start:
                        replay(producers, header, memoryview(chunk)[at:used])
                if not used and (len(chunk) < wanted or wanted > size - position):
                    break
                wanted = CHUNK if used else wanted * 2
                position += used
        finally:
            file.close()
    return producers


def recover_in_child(plan: bytes, progress: Callable[[str], None]) -> bytes:
    """The entry of the child process."""
    from ottla.world.real.disk import RealDisk

    found = recover(RealDisk(threads=1), decode_plan(plan), lambda read: progress(str(read)))
    return msgspec.msgpack.encode(found)


def encode_plan(plan: RecoveryPlan) -> bytes:
    return msgspec.msgpack.encode(plan)


def decode_plan(data: bytes) -> RecoveryPlan:
    return msgspec.msgpack.decode(data, type=RecoveryPlan)


def decode_recovered(data: bytes) -> Recovered:
    return msgspec.msgpack.decode(data, type=Recovered)
