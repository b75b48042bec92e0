"""One connection: versions, order, time limits, garbage."""

from __future__ import annotations

import pytest

from ottla.client.connection import BrokerConnection
from ottla.client.errors import ClientTimeout, ConnectionFailed, VersionMismatch
from ottla.client.settings import ConnectionSettings
from ottla.core.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, all_versions, metadata


def connection(world: ScriptedWorld, broker: ScriptedBroker, **settings: int) -> BrokerConnection:
    return BrokerConnection(world.doors, broker.address, ConnectionSettings(**settings))  # type: ignore[arg-type]


def test_answers_come_in_the_order_of_requests() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[MetadataRequest] = metadata([broker], {"a": [1], "b": [1, 1]})

    async def scenario() -> None:
        wire = connection(world, broker)
        await wire.open()
        tasks = [
            world.clock.spawn(wire.call(MetadataRequest(topics=topics), MetadataResponse), name="ask")
            for topics in (None, [], None)
        ]
        counts = [len((await task).topics) for task in tasks]
        assert counts == [2, 0, 2]
        assert wire.in_flight == 0

    world.run(scenario())


def test_the_newest_common_version_is_spoken() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[ApiVersionsRequest] = lambda request: ApiVersionsResponse(api_keys=[ApiVersion(3, 0, 9)])
    broker.answers[MetadataRequest] = metadata([broker])

    async def scenario() -> None:
        wire = connection(world, broker)
        await wire.open()
        await wire.call(MetadataRequest(), MetadataResponse)
        await wire.call(MetadataRequest(), MetadataResponse, newest=5)
        assert broker.versions[1:] == [9, 5]

    world.run(scenario())


def test_an_api_the_broker_lacks_is_named() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[ApiVersionsRequest] = lambda request: ApiVersionsResponse(
        api_keys=[ApiVersion(3, 99, 100)]
    )

    async def scenario() -> None:
        wire = connection(world, broker)
        await wire.open()
        with pytest.raises(
            VersionMismatch, match="offers Metadata in versions 99 to 100, this client speaks 0 to 13"
        ):
            await wire.call(MetadataRequest(), MetadataResponse)

    world.run(scenario())


def test_an_old_broker_answers_our_api_versions_in_version_0() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    asked: list[int] = []

    def answer(request: ApiVersionsRequest) -> ApiVersionsResponse | bytes:
        asked.append(broker.versions[-1])
        if len(asked) > 1:
            return all_versions()
        body = b"\x00\x00\x00\x01" + b"\x00\x23" + b"\x00\x00\x00\x01" + b"\x00\x12\x00\x00\x00\x02"
        return len(body).to_bytes(4, "big") + body

    broker.answers[ApiVersionsRequest] = answer

    async def scenario() -> None:
        wire = connection(world, broker)
        await wire.open()
        assert asked == [4, 2]

    world.run(scenario())


def test_no_answer_in_time_ends_the_connection() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[MetadataRequest] = lambda request: None

    async def scenario() -> None:
        wire = connection(world, broker, request_timeout_ms=5_000)
        await wire.open()
        began = world.clock.now()
        with pytest.raises(ClientTimeout, match="broker1:9092 did not answer Metadata in time"):
            await wire.call(MetadataRequest(), MetadataResponse)
        assert world.clock.now() - began == 5_000
        assert not wire.usable
        with pytest.raises(ClientTimeout):
            await wire.call(MetadataRequest(), MetadataResponse)

    world.run(scenario())


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "larger than the 1000 allowed"),
        (b"\xff\xff\xff\xff", "cannot be"),
        (b"\x00\x00\x00\x04\x00\x00\x00\x63", "an answer to request 99, not 2"),
        (b"\x00\x00\x00\x05\x00\x00\x00\x02\x00", "ends early"),
    ],
)
def test_garbage_ends_the_connection_and_says_why(garbage: bytes, reason: str) -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[ApiVersionsRequest] = lambda request: ApiVersionsResponse(api_keys=[ApiVersion(3, 0, 8)])
    broker.answers[MetadataRequest] = lambda request: garbage

    async def scenario() -> None:
        wire = connection(world, broker, receive_message_max_bytes=1000)
        await wire.open()
        with pytest.raises(ConnectionFailed, match=reason):
            await wire.call(MetadataRequest(), MetadataResponse)

    world.run(scenario())


def test_a_refused_connection_names_the_address() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.up = False

    async def scenario() -> None:
        with pytest.raises(ConnectionFailed, match="no connection to broker1:9092: connection refused"):
            await connection(world, broker).open()

    world.run(scenario())


def test_a_lost_connection_fails_everything_that_waits() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    answers: list[bytes | None] = [None, ScriptedBroker.LOSE]
    broker.answers[MetadataRequest] = lambda request: answers.pop(0)

    async def scenario() -> None:
        wire = connection(world, broker)
        await wire.open()
        tasks = [
            world.clock.spawn(wire.call(MetadataRequest(), MetadataResponse), name="ask") for _ in range(2)
        ]
        for task in tasks:
            with pytest.raises(ConnectionFailed, match="the broker closed it"):
                await task

    world.run(scenario())
