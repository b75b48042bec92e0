"""Stores and batches for the tests of this room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ottla.broker.storage.answers import Read
from ottla.broker.storage.log import Log
from ottla.broker.storage.opening import new_directory_id, read_meta_properties, write_meta_properties
from ottla.broker.storage.settings import StoreSettings
from ottla.broker.storage.store import LogStore
from ottla.core.log.checkpoints import MetaProperties
from ottla.core.log.config import LogConfig
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import headers
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record, records
from tests.unit.storage.world import MemoryDisk, SeededChance, StillClock

TOPIC_ID = Uuid(bytes(range(16)))
WALL = 1_700_000_000_000


async def turns(count: int = 100) -> None:
    """Let tasks go on for so many turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


class Shelf:
    """A store on a memory disk, and how to stop it in order or not."""

    def __init__(self, *paths: str, config: LogConfig | None = None, disk: MemoryDisk | None = None) -> None:
        self.paths = paths or ("/data",)
        self.disk = disk or MemoryDisk()
        self.clock = StillClock(WALL)
        self.chance = SeededChance()
        self.config = config or LogConfig()
        self.settings = StoreSettings(initial_task_delay_ms=0)
        self.store = LogStore(self.disk, self.clock, self.chance, self.settings)
        for path in self.paths:
            self.format(path)

    def format(self, path: str) -> None:
        """Make `path` a log directory, unless it is one."""
        self.disk.make_directory(path)
        if read_meta_properties(self.disk, path) is None:
            properties = MetaProperties(1, "cluster", 1, new_directory_id(self.chance))
            write_meta_properties(self.disk, path, properties)
            self.disk.sync_directory(path.rpartition("/")[0] or "/")

    async def open(self) -> LogStore:
        self.store = LogStore(self.disk, self.clock, self.chance, self.settings)
        await self.store.open(self.paths, cluster_id="cluster", node_id=1)
        await self.store.load(lambda topic: self.config)
        return self.store

    async def log(self, topic: str = "orders", partition: int = 0) -> Log:
        """Of a store that is open already, or opened now."""
        if not self.store.directories:
            await self.open()
        return self.store.create(topic, partition, TOPIC_ID, self.config)

    async def restart(self, *, clean: bool) -> Log:
        """Stop and start; the log of `orders-0` as it is then."""
        if clean:
            await self.store.close()
        else:
            self.store.abandon()
        await self.open()
        found = self.store.get("orders", 0)
        assert found is not None
        return found


def batch(
    *values: bytes, timestamp: int = WALL, codec: Codec = Codec.NONE, key: bytes | None = b"k", **fields: Any
) -> bytes:
    """One batch as a producer sends it; timestamps rise by one."""
    made = [Record(slot, timestamp + slot, key, value) for slot, value in enumerate(values)]
    return build(made, codec, base_offset=0, **fields)


def append(log: Log, *values: bytes, epoch: int = 0, **fields: Any) -> int:
    """Append one batch and commit it; its base offset."""
    appended = log.append(batch(*values, **fields), leader_epoch=epoch, wall=WALL)
    log.update_high_watermark(log.end_offset)
    return appended.base_offset


def taken(read: Read) -> bytes:
    """The bytes of a read, whose slice is let go."""
    if read.records is None:
        return b""
    data = read.records.file.read(read.records.size, read.records.position)
    read.records.release()
    return data


def values_of(data: bytes) -> list[tuple[int, bytes | None]]:
    """`(offset, value)` of every record in whole batches."""
    return [
        (record.offset, record.value)
        for position, header in headers(data)
        for record in records(memoryview(data)[position : position + header.size], header)
    ]


def contents(log: Log, limit: int | None = None) -> list[tuple[int, bytes | None]]:
    """`(offset, value)` of everything in the log, read as a consumer would."""
    found: list[tuple[int, bytes | None]] = []
    offset = log.start_offset
    while offset < (log.end_offset if limit is None else limit):
        read = log.read(offset, 1 << 20, limit_offset=limit)
        if not read.size:
            break
        found += [each for each in values_of(taken(read)) if each[0] >= offset]
        offset = read.upper_offset
    return found


def only(values: Sequence[tuple[int, bytes | None]]) -> list[bytes | None]:
    return [value for _, value in values]
