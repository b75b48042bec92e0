"""A coordinator's log that holds what this version does not know: it is passed over, the rest counts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ottla.broker.coordination.shard import State
from ottla.core.coordination import batches
from ottla.core.coordination.contract import Record, Request
from ottla.core.records.build import Builder
from ottla.core.transactions.requests import Describe
from ottla.core.wire.messages.records.transaction_state import TransactionLogKey, TransactionLogValue
from tests.unit.broker.bench import Bench, on_bench

EMPTY, FROM_THE_FUTURE = 0, 99


def test_a_status_from_the_future_is_passed_over(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("__transaction_state", 1)
        partition = bench.partitions.get("__transaction_state", 0)
        builder = Builder()
        for name, status in (("strange", FROM_THE_FUTURE), ("well", EMPTY)):
            value = TransactionLogValue(producer_id=7, transaction_status=status, transaction_partitions=None)
            pair = batches.encode(Record(TransactionLogKey(transactional_id=name), value))
            builder.append(1_700_000_000_000, *pair)
        partition.append(builder.finish(), 1)
        shards = bench.services.transactions
        shards.close()
        shards.led(partition)
        shard = shards.shard(0)
        while shard.state is State.LOADING:
            await asyncio.sleep(0.01)
        assert shard.state is State.ACTIVE
        known = await shards.ask_all(Request(Describe("well"), 0))[0]
        assert known.producer_id == 7

    on_bench(tmp_path, scenario)
