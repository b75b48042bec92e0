"""A log directory in which one file is not what it was: the node opens it all the same, reads and writes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from functools import cache

from ottla.core.log.config import LogConfig
from ottla.core.model.errors import KafkaError
from ottla.core.records.control import EndTransaction, build_end_transaction
from tests.unit.storage.logs import WALL, Shelf, append, taken
from tests.unit.storage.world import MemoryDisk

CONFIG = LogConfig(segment_bytes=1000, index_interval_bytes=100)
MARK = "/data/.kafka_cleanshutdown"
SUFFIXES = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
FILES = (
    *("orders-0/leader-epoch-checkpoint", "orders-0/partition.metadata", "recovery-point-offset-checkpoint"),
    *("replication-offset-checkpoint", "log-start-offset-checkpoint", ".kafka_cleanshutdown"),
)


@cache
def written() -> dict[str, bytes]:
    """The files of a node that stopped in order: some segments, an idempotent and a transactional producer."""
    shelf = Shelf(config=CONFIG)

    async def write() -> None:
        log = await shelf.log()
        for number in range(12):
            append(log, b"x" * 150, b"y", epoch=number // 5)
        append(log, b"once", producer_id=7, producer_epoch=0, base_sequence=0)
        append(log, b"never", producer_id=8, producer_epoch=0, base_sequence=0, transactional=True)
        marker = build_end_transaction(8, 0, EndTransaction(committed=False, coordinator_epoch=0), WALL)
        log.append_as_follower(at(marker, log.end_offset), wall=WALL)
        log.update_high_watermark(log.end_offset)
        await shelf.store.close()

    asyncio.run(write())
    return dict(read_all(shelf.disk, "/data"))


def read_all(disk: MemoryDisk, directory: str) -> Iterator[tuple[str, bytes]]:
    for name in disk.list(directory):
        path = f"{directory}/{name}"
        if disk.is_directory(path):
            yield from read_all(disk, path)
        else:
            yield path, disk.open(path).read(disk.size(path), 0)


def at(made: bytes, offset: int) -> bytes:
    return offset.to_bytes(8, "big") + made[8:]


def files_like(name: str) -> list[str]:
    """The paths a row stands for: a file by its name, or every segment's file with that suffix."""
    if name in SUFFIXES:
        return [path for path in written() if path.endswith(name)]
    return [f"/data/{name}"] if f"/data/{name}" in written() else []


def samples(name: str) -> list[bytes]:
    return [written()[path] for path in files_like(name)]


def opened(name: str, data: bytes) -> None:
    """Each of the files in turn, after an orderly stop and after a sudden one."""
    for path in (files_like(name) or [f"/data/{name}"])[-1:]:
        for clean in (True, False):
            asyncio.run(_opened({**written(), path: data}, clean=clean))


async def _opened(files: dict[str, bytes], *, clean: bool) -> None:
    disk = MemoryDisk()
    disk.make_directory("/data/orders-0")
    for path, contents in files.items():
        if clean or path != MARK:
            disk.open(path, create=True).write([contents], 0)
    shelf = Shelf(config=CONFIG, disk=disk)
    await shelf.open()
    log = shelf.store.get("orders", 0)
    assert log is not None
    offset = log.start_offset
    with contextlib.suppress(KafkaError):
        while offset < log.end_offset:
            read = log.read(offset, 1 << 20, limit_offset=log.end_offset)
            taken(read)
            if not read.size or read.upper_offset <= offset:
                break
            offset = read.upper_offset
        append(log, b"more", epoch=9)
    shelf.store.abandon()
