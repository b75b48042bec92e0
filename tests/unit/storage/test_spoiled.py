"""A log whose file was spoiled while nobody looked: it is read as far as it goes, and never for ever."""

from __future__ import annotations

import asyncio
import struct

import pytest

from ottla.core.log.config import LogConfig
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.control import EndTransaction, build_end_transaction
from tests.unit.storage.logs import WALL, Shelf, append, contents


@pytest.mark.parametrize("length", [-12, -1, 0, 48, -(2**31)])
def test_a_batch_whose_length_leads_nowhere_ends_the_walk(length: int) -> None:
    async def scenario() -> None:
        shelf = Shelf(config=LogConfig(index_interval_bytes=1 << 20))
        log = await shelf.log()
        for number in range(3):
            append(log, b"%d" % number)
        first = log.segments[0]
        first.file.write([struct.pack(">i", length)], first.size // 3 + 8)
        with pytest.raises(KafkaError) as raised:
            log.read(2, 1 << 20, limit_offset=3)
        assert raised.value.code == ErrorCode.CORRUPT_MESSAGE

    asyncio.run(scenario())


def test_a_spoiled_marker_behind_an_orderly_stop_is_cut_off_at_the_start() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        log = await shelf.log()
        append(log, b"kept", producer_id=8, producer_epoch=0, base_sequence=0, transactional=True)
        marker = build_end_transaction(8, 0, EndTransaction(committed=True, coordinator_epoch=0), WALL)
        place = log.segments[0].size
        log.append_as_follower(struct.pack(">q", 1) + marker[8:], wall=WALL)
        path = log.segments[0].file.path
        await shelf.store.close()
        for name in shelf.disk.list("/data/orders-0"):
            if name.endswith(".snapshot"):
                shelf.disk.remove(f"/data/orders-0/{name}")
        shelf.disk.open("/data/orders-0/00000000000000000000.snapshot", create=True).write([b"old"], 0)
        shelf.disk.open(path).write([b"\xff" * 8], place + 61)
        await shelf.open()
        again = shelf.store.get("orders", 0)
        assert again is not None
        assert contents(again) == [(0, b"kept")] and again.end_offset == 1

    asyncio.run(scenario())
