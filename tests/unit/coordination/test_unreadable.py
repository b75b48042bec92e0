"""A coordinator's partition is read whole, whatever single records in it say."""

from __future__ import annotations

import asyncio

import pytest

from ottla.broker.coordination.loading import Loaded, load
from ottla.core.coordination import batches
from ottla.core.coordination.contract import Record
from ottla.core.model.settings.table import BROKER
from ottla.core.transactions.coordinator import TransactionCoordinator
from ottla.core.transactions.transaction import Status
from ottla.core.wire.coordinator_records import TRANSACTION_STATE
from ottla.core.wire.messages.records.transaction_state import TransactionLogKey, TransactionLogValue
from tests.unit.storage.logs import Shelf, append

SETTINGS = {name: each.default for name, each in BROKER.items()}


def state_of(name: str, status: int) -> tuple[bytes, bytes | None]:
    value = TransactionLogValue(
        producer_id=7,
        producer_epoch=0,
        transaction_timeout_ms=60_000,
        transaction_status=status,
        transaction_partitions=None,
        transaction_last_update_timestamp_ms=1,
        transaction_start_timestamp_ms=1,
    )
    return batches.encode(Record(TransactionLogKey(transactional_id=name), value, 0))


def test_a_status_that_does_not_exist_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    async def replayed() -> tuple[Loaded, TransactionCoordinator]:
        shelf = Shelf()
        log = await shelf.log()
        for key, value in (state_of("a", 9), state_of("b", Status.EMPTY)):
            assert value is not None
            append(log, value, key=key)
        machine = TransactionCoordinator(SETTINGS, lambda: 2)
        return await load(log, machine, TRANSACTION_STATE, shelf.clock, 1 << 20, lambda: True), machine

    loaded, machine = asyncio.run(replayed())
    assert (loaded.records, loaded.unreadable) == (2, 1)
    assert list(machine.state.transactions) == ["b"]
    assert "the record at offset 0 is passed over" in caplog.text
