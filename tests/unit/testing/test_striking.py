"""Faults of requests, seen from the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.api_versions import ApiVersionsRequest
from ottla.core.wire.messages.fetch import FetchRequest, FetchResponse
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from ottla.testing import Broker
from tests.unit.broker.bench import Client, batch
from tests.unit.broker.test_produce_fetch import fetch, produce, put, values
from tests.unit.testing.talking import at

V = 12


def on(broker: Broker, scenario: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    broker.create_topic("orders")
    at(broker, scenario)


def test_a_fetch_in_a_session_is_told_beside_its_partitions() -> None:
    async def scenario(client: Client) -> None:
        async def asked(request: FetchRequest) -> FetchResponse:
            return await client.ask(request, FetchResponse, V)

        await put(client, "orders", b"tea")
        opened = await asked(fetch("orders", session_epoch=0))
        session = opened.session_id
        assert session
        with broker.faults.fail("FETCH", error="NOT_LEADER_OR_FOLLOWER", times=1) as fault:
            told = await asked(FetchRequest(session_id=session, session_epoch=1, max_wait_ms=0))
            assert told.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
            assert fault.struck == 0
            told = await asked(fetch("orders", session_epoch=0))
            assert told.error_code == 0
            (part,) = told.responses[0].partitions
            assert part.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
            assert values(part) == []
            assert fault.struck == 1
            told = await asked(fetch("orders", session_epoch=0))
            assert values(told.responses[0].partitions[0]) == [b"tea"]
        with broker.faults.fail("FETCH", error="INVALID_FETCH_SESSION_EPOCH"):
            told = await asked(FetchRequest(session_id=told.session_id, session_epoch=1, max_wait_ms=0))
            assert told.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH

    with Broker() as broker:
        on(broker, scenario)


def test_several_faults_strike_together() -> None:
    async def scenario(client: Client) -> None:
        loop = asyncio.get_running_loop()
        slow = broker.faults.delay("METADATA", ms=100)
        wrong = broker.faults.fail("METADATA", error="LEADER_NOT_AVAILABLE")
        began = loop.time()
        request = MetadataRequest(topics=[MetadataRequestTopic(name="orders")])
        (topic,) = (await client.ask(request, MetadataResponse, 9)).topics
        assert topic.error_code == ErrorCode.LEADER_NOT_AVAILABLE
        assert loop.time() - began >= 0.1
        assert [each.struck for each in (slow, wrong)] == [1, 1]

    with Broker() as broker:
        on(broker, scenario)


def test_half_of_an_answer_comes() -> None:
    async def scenario(client: Client) -> None:
        whole = len(await answer(client))
        with broker.faults.cut("METADATA"):
            client.send(MetadataRequest(), 9)
            came = await client.reader.read()
        assert len(came) == (4 + whole) // 2

    async def answer(client: Client) -> bytes:
        client.send(MetadataRequest(), 9)
        return await client.receive_bytes()

    with Broker() as broker:
        on(broker, scenario)


def test_an_error_is_cut_too() -> None:
    async def scenario(client: Client) -> None:
        with broker.faults.fail("API_VERSIONS", error="UNKNOWN_SERVER_ERROR"), broker.faults.cut():
            client.send(ApiVersionsRequest(), 0)
            # the size, the correlation id, the error, no APIs
            assert len(await client.reader.read()) == (4 + 4 + 2 + 4) // 2

    with Broker() as broker:
        on(broker, scenario)


def test_what_has_no_answer_is_cut_at_once() -> None:
    async def scenario(client: Client) -> None:
        with broker.faults.cut("PRODUCE") as fault:
            client.send(produce("orders", batch(b"tea"), acks=0), 9)
            assert await client.ended()
            assert fault.struck == 1

    with Broker() as broker:
        on(broker, scenario)


def test_a_partition_without_leader_is_neither_written_nor_read() -> None:
    async def scenario(client: Client) -> None:
        with broker.faults.leaderless("orders"):
            assert (await put(client, "orders", b"tea")).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
            told = await client.ask(fetch("orders"), FetchResponse, V)
            assert told.responses[0].partitions[0].error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (await put(client, "orders", b"tea")).error_code == 0

    with Broker() as broker:
        on(broker, scenario)
