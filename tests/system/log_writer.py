"""A process that appends to a log until it is killed: `python -m tests.system.log_writer DIRECTORY BATCH_BYTES`.

Writes a line with the next offset to its output after every append.
"""

from __future__ import annotations

import asyncio
import sys

from ottla.broker.storage.opening import read_meta_properties, write_meta_properties
from ottla.broker.storage.store import LogStore
from ottla.core.log.checkpoints import MetaProperties
from ottla.core.log.config import LogConfig
from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.world.real.chance import RealChance
from ottla.world.real.clock import RealClock
from ottla.world.real.disk import RealDisk

CONFIG = LogConfig(segment_bytes=16 << 20)
TOPIC_ID = Uuid(bytes(range(16)))


async def open_store(directory: str) -> LogStore:
    loop = asyncio.get_running_loop()
    store = LogStore(RealDisk(loop), RealClock(loop), RealChance())
    if read_meta_properties(store.disk, directory) is None:
        store.disk.make_directory(directory)
        write_meta_properties(store.disk, directory, MetaProperties(1, "cluster", 1, None))
    await store.open([directory], cluster_id="cluster", node_id=1)
    await store.load(lambda topic: CONFIG)
    return store


async def main(directory: str, batch_bytes: int) -> None:
    store = await open_store(directory)
    log = store.create("orders", 0, TOPIC_ID, CONFIG)
    wall = store.clock.wall()
    sequence = log.end_offset
    while True:
        record = Record(0, wall, b"%d" % log.end_offset, b"v" * batch_bytes)
        batch = build([record], producer_id=1, producer_epoch=0, base_sequence=sequence)
        log.append(batch, leader_epoch=0, wall=wall)
        sequence += 1
        print(log.end_offset, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
