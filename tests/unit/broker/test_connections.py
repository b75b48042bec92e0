"""What a connection does with order, back-pressure, nonsense and silence."""

from __future__ import annotations

import asyncio
import struct
from asyncio import Future
from pathlib import Path
from typing import Any

import pytest

from ottla.broker.admission import Admission
from ottla.broker.apis import HANDLERS
from ottla.broker.context import Context
from ottla.broker.listener import Limits
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from ottla.core.wire.messages.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.unit.broker.bench import Bench, on_bench


def test_replies_keep_their_order_behind_one_that_waits(tmp_path: Path) -> None:
    running: list[int] = []
    waiting: list[Future[Any]] = []

    def slow(services: Services, context: Context, request: MetadataRequest) -> Future[Any]:
        running.append(context.correlation_id)
        waiting.append(services.clock.future())
        return waiting[-1]

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        client.send(MetadataRequest(), 9)
        client.send(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 3)
        client.send(MetadataRequest(), 9)
        await asyncio.sleep(0.02)
        assert running == [1]  # nothing runs behind a request that waits
        waiting[0].set_result(MetadataResponse(cluster_id="first"))
        assert (await client.receive(MetadataResponse, 9)).cluster_id == "first"
        assert (await client.receive(ApiVersionsResponse, 3)).error_code == 0
        await asyncio.sleep(0.02)
        waiting[1].set_exception(KafkaError(ErrorCode.INVALID_REQUEST))
        answer = await client.receive_bytes()
        assert struct.unpack(">i", answer[:4]) == (3,)

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: slow})


def test_a_fault_of_ours_is_answered_and_logged_and_the_connection_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(services: Services, context: Context, request: ListOffsetsRequest) -> ListOffsetsResponse:
        raise ZeroDivisionError("oh")

    async def late(services: Services, context: Context, request: MetadataRequest) -> MetadataResponse:
        raise ZeroDivisionError("later")

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        assert (await client.ask(ListOffsetsRequest(), ListOffsetsResponse, 5)).topics == []
        assert (await client.ask(MetadataRequest(), MetadataResponse, 13)).error_code == -1
        assert (await client.ask(ApiVersionsRequest(), ApiVersionsResponse, 2)).error_code == 0

    handlers = {**HANDLERS, ApiKey.LIST_OFFSETS: broken, ApiKey.METADATA: late}
    on_bench(tmp_path, scenario, handlers=handlers)
    assert caplog.text.count("failed unexpectedly") == 2
    assert "ZeroDivisionError: oh" in caplog.text


HEAD = struct.pack(">hhih", 18, 2, 1, -1)

NONSENSE = {
    "http": (b"GET / HTTP/1.1\r\n\r\n", "HTTP request"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01", "TLS handshake"),
    "negative size": (struct.pack(">i", -7), "a frame of -7 bytes cannot be"),
    "too large": (struct.pack(">i", 1 << 30), "is larger than"),
    "empty frame": (struct.pack(">i", 0), "has no header"),
    "unknown api": (struct.pack(">ihhih", 10, 99, 0, 1, -1), "key 99 is not served"),
    "old version": (struct.pack(">ihhih", 10, 1, 3, 1, -1), "Fetch has no version 3, only 4 to 18"),
    "new version": (struct.pack(">ihhih", 10, 0, 14, 1, -1), "Produce has no version 14"),
    "client id too long": (struct.pack(">ihhih", 10, 18, 2, 1, 500), "client id"),
    "short body": (struct.pack(">ihhih", 10, 0, 9, 1, -1) + b"", "cannot be read"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_ends_its_own_connection_with_a_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    data, reason = NONSENSE[name]

    async def scenario(bench: Bench) -> None:
        other, client = await bench.client(), await bench.client()
        client.writer.write(data)
        assert await client.ended()
        assert (await other.ask(ApiVersionsRequest(), ApiVersionsResponse, 2)).error_code == 0
        assert bench.services.metrics.listener("PLAINTEXT").refused == 1

    on_bench(tmp_path, scenario)
    assert reason in caplog.text


def test_the_same_nonsense_again_and_again_fills_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        for _ in range(5):
            client = await bench.client()
            client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await client.ended()

    on_bench(tmp_path, scenario)
    assert caplog.text.count("HTTP request") == 1


def test_whole_requests_before_the_nonsense_are_answered_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waiting: list[Future[Any]] = []

    def wait(services: Services, context: Context, request: MetadataRequest) -> Any:
        waiting.append(services.clock.future())
        return waiting[-1]

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        good = struct.pack(">i", len(HEAD)) + HEAD
        slow = struct.pack(">ihhihi", 14, 3, 1, 9, -1, -1)
        client.writer.write(good + slow + good + struct.pack(">i", -7))
        assert (await client.receive(ApiVersionsResponse, 2)).error_code == 0
        assert "frame of -7 bytes" not in caplog.text
        waiting[0].set_result(MetadataResponse())
        assert (await client.receive_bytes())[:4] == struct.pack(">i", 9)
        assert (await client.receive_bytes())[:4] == struct.pack(">i", 1)
        assert await client.ended()
        assert bench.memory.taken == 0

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: wait})
    assert "frame of -7 bytes" in caplog.text


def test_a_connection_that_was_large_once_gives_the_memory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ottla.broker.listener.QUIET_MS", 40)

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        body = b"\0" * (10 << 20)
        client.writer.write(struct.pack(">i", len(HEAD) + len(body)) + HEAD + body)
        assert (await client.receive(ApiVersionsResponse, 2)).error_code == 0
        (session,) = bench.listener._sessions
        assert session.grown and len(session._reader._buffer) > 8 << 20
        await asyncio.sleep(0.2)
        assert not session.grown and len(session._reader._buffer) < 1 << 20
        client.send(ApiVersionsRequest(), 2)
        assert (await client.receive(ApiVersionsResponse, 2)).error_code == 0

    on_bench(tmp_path, scenario)


def test_half_a_frame_waits_for_the_other_half(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        frame = struct.pack(">i", len(HEAD)) + HEAD
        for byte in frame[:-1]:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        client.writer.write(frame[-1:])
        assert (await client.receive(ApiVersionsResponse, 2)).error_code == 0

    on_bench(tmp_path, scenario)


def test_what_is_not_utf8_is_read_as_java_reads_it(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        client.writer.write(struct.pack(">ihhih", 12, 18, 2, 1, 2) + b"\xff\xfe")
        assert (await client.receive(ApiVersionsResponse, 2)).error_code == 0
        client.writer.write(struct.pack(">ihhihih", 19, 3, 1, 2, -1, 1, 3) + b"a\xffb")
        (topic,) = (await client.receive(MetadataResponse, 1)).topics
        assert (topic.name, topic.error_code) == ("a\ufffdb", ErrorCode.INVALID_TOPIC_EXCEPTION)

    on_bench(tmp_path, scenario)


def test_an_unknown_version_of_api_versions_is_answered_in_version_0(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        client.writer.write(struct.pack(">ihhih", 10, 18, 77, 5, -1))
        answer = await client.receive(ApiVersionsResponse, 0)
        assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
        assert [(each.api_key, each.min_version, each.max_version) for each in answer.api_keys] == [
            (18, 0, 4)
        ]

    on_bench(tmp_path, scenario)


def test_api_versions_tells_old_clients_what_they_can_bear(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        asked = ApiVersionsRequest(client_software_name="probe", client_software_version="1.0")
        third = await client.ask(asked, ApiVersionsResponse, 3)
        fourth = await client.ask(asked, ApiVersionsResponse, 4)
        assert [each.name for each in third.supported_features] == ["metadata.version"]
        assert len(fourth.supported_features) == 7
        produce = next(each for each in fourth.api_keys if each.api_key == ApiKey.PRODUCE)
        assert (produce.min_version, produce.max_version) == (0, 13)
        told = {each.api_key for each in fourth.api_keys}
        assert ApiKey.GET_TELEMETRY_SUBSCRIPTIONS in told  # the bench advertises all; a node leaves it out
        nameless = await client.ask(ApiVersionsRequest(), ApiVersionsResponse, 3)
        assert nameless.error_code == ErrorCode.INVALID_REQUEST

    on_bench(tmp_path, scenario)


def test_a_flood_meets_back_pressure_and_is_answered_whole(tmp_path: Path) -> None:
    waiting: list[Future[Any]] = []

    def first_waits(services: Services, context: Context, request: MetadataRequest) -> Any:
        if context.correlation_id == 1:
            waiting.append(services.clock.future())
            return waiting[-1]
        return MetadataResponse()

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        for _ in range(5_000):
            client.send(MetadataRequest(topics=None), 9, "c" * 1_000)
        await asyncio.sleep(0.05)
        assert bench.memory.taken < 2 << 20  # read-ahead is bounded; the rest stays with TCP
        waiting[0].set_result(MetadataResponse())
        for correlation_id in range(1, 5_001):
            answer = await client.receive_bytes()
            assert struct.unpack(">i", answer[:4]) == (correlation_id,)
        assert bench.memory.taken == 0

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: first_waits})


def test_the_bound_of_unanswered_bytes_holds_up_everybody_and_lets_go(tmp_path: Path) -> None:
    waiting: list[Future[Any]] = []

    def wait(services: Services, context: Context, request: MetadataRequest) -> Any:
        waiting.append(services.clock.future())
        return waiting[-1]

    async def scenario(bench: Bench) -> None:
        bench.memory.limit = 1_000
        first, second = await bench.client(), await bench.client()
        first.send(MetadataRequest(topics=None), 9, "c" * 2_000)
        await asyncio.sleep(0.02)
        assert bench.memory.exhausted
        second.send(ApiVersionsRequest(), 2)
        await asyncio.sleep(0.02)
        second.send(ApiVersionsRequest(), 2)
        await asyncio.sleep(0.02)
        waiting[0].set_result(MetadataResponse())
        await first.receive(MetadataResponse, 9)
        assert (await second.receive(ApiVersionsResponse, 2)).error_code == 0
        assert (await second.receive(ApiVersionsResponse, 2)).error_code == 0
        assert bench.memory.taken == 0

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: wait})


def test_new_connections_come_no_faster_than_their_rate(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.listener.limits = Limits(creation_rate=20)
        began = asyncio.get_running_loop().time()
        clients = [await bench.client() for _ in range(24)]
        for client in clients:
            assert (await client.ask(ApiVersionsRequest(), ApiVersionsResponse, 2)).error_code == 0
        assert 0.14 < asyncio.get_running_loop().time() - began < 2  # 20 at once, then one every 50 ms
        bench.listener.limits = Limits()
        assert (
            await (await bench.client()).ask(ApiVersionsRequest(), ApiVersionsResponse, 2)
        ).error_code == 0

    on_bench(tmp_path, scenario)


def test_the_bound_of_the_node_counts_all_listeners_but_exempts_the_brokers_own() -> None:
    admission = Admission(connections=2)
    looked: list[int] = []
    admission.joined(0)
    assert not admission.full
    admission.joined(0)
    assert admission.full
    admission.wait(lambda: looked.append(1))
    admission.left()
    assert looked == [1] and not admission.full
    admission.limit(1, 5)
    assert admission.full and looked == [1]


def test_connections_over_the_limit_wait_and_those_of_one_address_are_turned_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.listener.limits = Limits(connections=2)
        kept = [await bench.client(), await bench.client()]
        await asyncio.sleep(0.01)
        surplus = await bench.client()
        surplus.send(ApiVersionsRequest(), 2)
        await asyncio.sleep(0.02)
        assert bench.listener.connections == 2
        for client in kept:
            assert (await client.ask(ApiVersionsRequest(), ApiVersionsResponse, 2)).error_code == 0
        kept[0].close()
        assert (await surplus.receive(ApiVersionsResponse, 2)).error_code == 0
        bench.listener.limits = Limits(connections_per_ip=2)
        assert await (await bench.client()).ended()
        bench.listener.limits = Limits(connections_per_ip=2, per_ip_overrides={"127.0.0.1": 3})
        third = await bench.client()
        assert (await third.ask(ApiVersionsRequest(), ApiVersionsResponse, 2)).error_code == 0
        assert await (await bench.client()).ended()

    on_bench(tmp_path, scenario)
    assert "max.connections=2 is reached" in caplog.text
    assert "max.connections.per.ip=2" in caplog.text


def test_an_idle_connection_is_closed_and_a_waiting_one_is_not(tmp_path: Path) -> None:
    waiting: list[Future[Any]] = []

    def wait(services: Services, context: Context, request: MetadataRequest) -> Any:
        waiting.append(services.clock.future())
        return waiting[-1]

    async def scenario(bench: Bench) -> None:
        bench.listener.stop_accepting()
        bench.listener.limits = Limits(idle_ms=100)
        await bench.open()
        idle, parked = await bench.client(), await bench.client()
        parked.send(MetadataRequest(), 9)
        assert await idle.ended()
        waiting[0].set_result(MetadataResponse())
        await parked.receive(MetadataResponse, 9)
        assert await parked.ended()

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: wait})


def test_a_client_that_does_not_read_is_not_served_ahead(tmp_path: Path) -> None:
    ran: list[int] = []

    def large(services: Services, context: Context, request: MetadataRequest) -> MetadataResponse:
        ran.append(context.correlation_id)
        return MetadataResponse(cluster_id="x" * 30_000)

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(2_000):
            client.send(MetadataRequest(topics=None), 9)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        served = len(ran)
        assert served < 1_000  # what the sockets hold, and no more: 60 MB would be all of it
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for correlation_id in range(1, 2_001):
            answer = await client.receive_bytes()
            assert struct.unpack(">i", answer[:4]) == (correlation_id,)
        assert ran == list(range(1, 2_001))

    on_bench(tmp_path, scenario, handlers={**HANDLERS, ApiKey.METADATA: large})


def test_requests_that_arrive_together_hold_no_more_than_the_bound_and_one_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    size, bound = 800_000, 1_000_000

    async def scenario(bench: Bench) -> None:
        bench.memory.hurry_ms = 300
        clients = [await bench.client() for _ in range(6)]
        for client in clients:
            client.writer.write(struct.pack(">i", size) + bytes(size - 10_000))
        await asyncio.sleep(0.2)
        assert bench.memory.taken < bound + 2 * size  # and what the others read last
        late = await bench.client()
        question = ApiVersionsRequest(client_software_name="x", client_software_version="1")
        await late.ask(question, ApiVersionsResponse, 3)
        # None of the large ones ever ends: what is read on is sent away, then the next, until there is room.
        assert (await late.ask(question, ApiVersionsResponse, 3)).error_code == 0
        for client in clients:
            client.close()
        while bench.memory.taken:
            await asyncio.sleep(0.01)
        lines = [record.getMessage() for record in caplog.records if "not whole" in record.getMessage()]
        assert len(lines) == 1 and "queued.max.request.bytes=1000000" in lines[0]

    on_bench(
        tmp_path,
        scenario,
        {"queued.max.request.bytes": str(bound), "socket.request.max.bytes": str(bound)},
    )


def test_a_connection_that_left_holds_no_memory(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        sessions = []
        for _ in range(3):
            client = await bench.client()
            client.writer.write(struct.pack(">i", 1 << 20) + bytes(1_000_000))
            await client.writer.drain()
            await asyncio.sleep(0.05)
            sessions += list(bench.listener._sessions)
            client.writer.transport.abort()
            await asyncio.sleep(0.05)
        assert [len(session._reader._buffer) + len(session._view) for session in sessions] == [0] * 3

    on_bench(tmp_path, scenario)
