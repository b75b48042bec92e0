"""Appends to and reads from one log, without a network: microseconds each, best of several rounds.

    python benchmarks/micro_log.py [DIRECTORY]

DIRECTORY (default: a temporary one) decides which disk is measured; nothing is synced.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable

from ottla.broker.storage.log import Log
from ottla.broker.storage.opening import write_meta_properties
from ottla.broker.storage.store import LogStore
from ottla.core.log.checkpoints import MetaProperties
from ottla.core.log.config import LogConfig
from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.world.real.chance import RealChance
from ottla.world.real.clock import RealClock
from ottla.world.real.disk import RealDisk

ROUNDS = 5


def best_micros(work: Callable[[], None], times: int) -> float:
    """The fastest of several rounds, per call."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - start) / times * 1e6)
    return best


def appending(log: Log, batch: bytes, wall: int) -> Callable[[], None]:
    def append() -> None:
        log.append(batch, leader_epoch=0, wall=wall)

    return append


def idempotent(log: Log, wall: int) -> Callable[[], None]:
    """Batches of one record from one producer, in sequence, made beforehand."""
    sequences = range(ROUNDS * 20_000)
    record = [Record(0, wall, b"key", b"v" * 100)]
    batches = iter(
        [build(record, producer_id=1, producer_epoch=0, base_sequence=number) for number in sequences]
    )

    def append() -> None:
        log.append(next(batches), leader_epoch=0, wall=wall)

    return append


def reading(log: Log, max_bytes: int) -> Callable[[], None]:
    """A consumer that reads from the start, over and over."""
    offset = 0

    def read() -> None:
        nonlocal offset
        found = log.read(offset, max_bytes)
        if found.records is None:
            offset = 0
            return
        found.records.release()
        offset = found.upper_offset

    return read


def seeking(log: Log) -> Callable[[], None]:
    """A consumer that asks for another place each time."""
    offset = 0

    def read() -> None:
        nonlocal offset
        offset = (offset + 7_654_321) % log.end_offset
        found = log.read(offset, 1)
        if found.records is not None:
            found.records.release()

    return read


async def main() -> None:
    loop = asyncio.get_running_loop()
    clock = RealClock(loop)
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as path:
        store = LogStore(RealDisk(loop), clock, RealChance())
        write_meta_properties(store.disk, path, MetaProperties(1, "benchmark", 1, None))
        await store.open([path], cluster_id="benchmark", node_id=1)
        config = LogConfig(segment_bytes=256 << 20)
        small, large, ordered = (
            store.create(topic, 0, Uuid(bytes(16)), config) for topic in ("small", "large", "ordered")
        )
        wall = clock.wall()
        one = build([Record(0, wall, b"key", b"v" * 100)])
        sixteen = build([Record(number, wall, None, b"v" * 1000) for number in range(16)])
        print(
            f"append, 1 record, {len(one)} bytes: {best_micros(appending(small, one, wall), 20_000):.1f} us"
        )
        print(f"append, 1 record, idempotent: {best_micros(idempotent(ordered, wall), 20_000):.1f} us")
        print(
            f"append, 16 records, {len(sixteen)} bytes: {best_micros(appending(large, sixteen, wall), 5_000):.1f} us"
        )
        print(f"read 1 MiB in sequence: {best_micros(reading(large, 1 << 20), 1_000):.1f} us")
        print(f"read one batch anywhere: {best_micros(seeking(small), 5_000):.1f} us")
        store.abandon()


if __name__ == "__main__":
    asyncio.run(main())
