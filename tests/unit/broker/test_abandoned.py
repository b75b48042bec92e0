"""What becomes of an answer whose client has gone."""

from __future__ import annotations

from asyncio import Future, new_event_loop
from typing import Any

from ottla.broker.context import Caller, Context
from ottla.broker.later import Later
from ottla.broker.metrics import ApiMetrics
from ottla.broker.router import Pending, Route, Served
from ottla.core.wire.apis import API, ApiKey, ListenerRole
from ottla.core.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ottla.world.doors import Address, FileSlice
from tests.unit.storage.world import MemoryDisk


def pending(future: Future[Any] | Later[Any], *, given: bool) -> Pending:
    route = Route(API[ApiKey.FETCH], "fetch", ApiMetrics())
    caller = Caller("PLAINTEXT", ListenerRole.BROKER, "PLAINTEXT", Address("c", 1), Address("n", 2))
    context = Context(caller, ApiKey.FETCH, 11, 1, None, 0)
    return Pending(Served(route, 11), context, FetchRequest(), future, given)


def cold_answer(disk: MemoryDisk) -> FetchResponse:
    disk.make_directory("/data")
    records = FileSlice(disk.open("/data/records.log", create=True), 0, 10)
    data = PartitionData(partition_index=0, high_watermark=1, records=records)
    return FetchResponse(responses=[FetchableTopicResponse(topic="orders", partitions=[data])])


def test_work_that_was_begun_ends_and_lets_its_files_go() -> None:
    loop = new_event_loop()
    disk = MemoryDisk()
    future: Future[Any] = loop.create_future()
    pending(future, given=False).abandon()
    assert not future.cancelled()
    future.set_result(cold_answer(disk))
    assert disk.pins
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert not disk.pins


def test_an_answer_that_was_there_lets_its_files_go() -> None:
    disk = MemoryDisk()
    later: Later[Any] = Later()
    later.set_result(cold_answer(disk))
    pending(later, given=True).abandon()
    assert not disk.pins


def test_a_parked_request_is_cancelled() -> None:
    later: Later[Any] = Later()
    pending(later, given=True).abandon()
    assert later.cancelled()
