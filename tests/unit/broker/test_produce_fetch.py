"""Produce and Fetch over a socket: what goes in comes out, in every version."""

from __future__ import annotations

from pathlib import Path

import pytest

from ottla.broker.partitions import PLACED_A_TURN
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import headers
from ottla.core.records.record import records
from ottla.core.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from tests.unit.broker.bench import Bench, Client, batch, on_bench


def produce(topic: str, data: bytes | None, *, partition: int = 0, acks: int = -1) -> ProduceRequest:
    part = PartitionProduceData(index=partition, records=data)
    return ProduceRequest(
        acks=acks, timeout_ms=1_000, topic_data=[TopicProduceData(name=topic, partition_data=[part])]
    )


def fetch(topic: str, offset: int = 0, *, partition: int = 0, **fields: int) -> FetchRequest:
    part = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20)
    request = FetchRequest(topics=[FetchTopic(topic=topic, partitions=[part])], min_bytes=1, max_wait_ms=0)
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def put(client: Client, topic: str, *values: bytes, partition: int = 0) -> PartitionProduceResponse:
    answer = await client.ask(produce(topic, batch(*values), partition=partition), ProduceResponse, 9)
    return answer.responses[0].partition_responses[0]


def values(data: PartitionData) -> list[bytes]:
    raw = bytes(data.records or b"")  # type: ignore[arg-type]
    return [
        bytes(record.value or b"")
        for position, header in headers(raw)
        for record in records(raw[position : position + header.size])
    ]


def test_what_is_produced_is_fetched_in_every_version(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders")
        client = await bench.client()
        count = 0
        for version in range(3, 14):
            request = produce("orders", batch(b"%d" % version))
            request.topic_data[0].topic_id = topic.id
            answer = await client.ask(request, ProduceResponse, version)
            (part,) = answer.responses[0].partition_responses
            assert (part.error_code, part.base_offset) == (0, count)
            count += 1
        for version in range(4, 19):
            asked = fetch("orders")
            asked.topics[0].topic_id = topic.id
            found = await client.ask(asked, FetchResponse, version)
            (got,) = found.responses[0].partitions
            assert found.responses[0].topic == ("orders" if version < 13 else "")
            assert values(got) == [b"%d" % each for each in range(3, 14)]
            assert (got.high_watermark, got.last_stable_offset) == (count, count)

    on_bench(tmp_path, scenario)


def test_a_parked_fetch_wakes_when_records_come(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders", 2)
        reader, writer = await bench.client(), await bench.client()
        reader.send(fetch("orders", max_wait_ms=20_000, partition=1), 12)
        await put(writer, "orders", b"elsewhere")
        await put(writer, "orders", b"here", partition=1)
        found = await reader.receive(FetchResponse, 12)
        assert values(found.responses[0].partitions[0]) == [b"here"]
        assert not any(each.waiters for each in bench.partitions)
        assert len(bench.services.deadlines) == 0

    on_bench(tmp_path, scenario)


def test_a_parked_fetch_waits_for_its_minimum_and_no_longer_than_its_wait(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        reader, writer = await bench.client(), await bench.client()
        reader.send(fetch("orders", max_wait_ms=20_000, min_bytes=400), 12)
        for _ in range(6):
            await put(writer, "orders", b"x" * 20)
        found = await reader.receive(FetchResponse, 12)
        assert len(values(found.responses[0].partitions[0])) == 5  # 5 batches of 88 bytes pass 400
        reader.send(fetch("orders", 6, max_wait_ms=30, min_bytes=400), 12)
        await put(writer, "orders", b"late")
        found = await reader.receive(FetchResponse, 12)
        assert values(found.responses[0].partitions[0]) == [b"late"]

    on_bench(tmp_path, scenario)


def test_a_fetch_of_a_topic_that_goes_away_is_answered(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        reader = await bench.client()
        reader.send(fetch("orders", max_wait_ms=20_000), 12)
        await bench.world.clock.sleep(20)
        bench.metadata.delete("orders")
        found = await reader.receive(FetchResponse, 12)
        assert found.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    on_bench(tmp_path, scenario)


def test_a_reader_that_leaves_takes_its_fetch_along(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        reader = await bench.client()
        reader.send(fetch("orders", max_wait_ms=20_000), 12)
        partition = bench.partitions.get("orders", 0)
        while not partition.waiters:
            await bench.world.clock.sleep(1)
        reader.close()
        while partition.waiters:
            await bench.world.clock.sleep(1)
        assert len(bench.services.deadlines) == 0

    on_bench(tmp_path, scenario)


def test_sessions_tell_only_news(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders", 3)
        client = await bench.client()
        parts = [FetchPartition(partition=each, partition_max_bytes=1 << 20) for each in range(3)]
        first = await client.ask(
            FetchRequest(topics=[FetchTopic(topic="orders", partitions=parts)], session_epoch=0),
            FetchResponse,
            12,
        )
        assert first.session_id > 0
        assert len(first.responses[0].partitions) == 3
        quiet = await client.ask(
            FetchRequest(session_id=first.session_id, session_epoch=1), FetchResponse, 12
        )
        assert (quiet.session_id, quiet.responses) == (first.session_id, [])
        await put(client, "orders", b"news", partition=2)
        news = await client.ask(FetchRequest(session_id=first.session_id, session_epoch=2), FetchResponse, 12)
        assert [each.partition_index for each in news.responses[0].partitions] == [2]
        stale = await client.ask(
            FetchRequest(session_id=first.session_id, session_epoch=2), FetchResponse, 12
        )
        assert stale.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
        forget = FetchRequest(
            session_id=first.session_id,
            session_epoch=3,
            forgotten_topics_data=[ForgottenTopic(topic="orders", partitions=[2])],
        )
        assert (await client.ask(forget, FetchResponse, 12)).responses == []
        unknown = await client.ask(FetchRequest(session_id=99, session_epoch=1), FetchResponse, 12)
        assert unknown.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        mixed = await client.ask(
            FetchRequest(session_id=first.session_id, session_epoch=4), FetchResponse, 13
        )
        assert mixed.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR

    on_bench(tmp_path, scenario)


@pytest.mark.parametrize(
    ("topic", "partition", "acks", "error"),
    [
        ("nowhere", 0, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", 7, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", 0, 2, ErrorCode.INVALID_REQUIRED_ACKS),
    ],
)
def test_produce_errors(tmp_path: Path, topic: str, partition: int, acks: int, error: ErrorCode) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        request = produce(topic, batch(b"x"), partition=partition, acks=acks)
        answer = await client.ask(request, ProduceResponse, 9)
        assert answer.responses[0].partition_responses[0].error_code == error

    on_bench(tmp_path, scenario)


def test_a_transaction_without_its_id_is_refused(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        data = batch(b"x", producer_id=5, producer_epoch=0, base_sequence=0, transactional=True)
        answer = await client.ask(produce("orders", data), ProduceResponse, 9)
        failed = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        assert answer.responses[0].partition_responses[0].error_code == failed

    on_bench(tmp_path, scenario)


def test_acks_0_is_not_answered_and_its_error_closes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        client.send(produce("orders", batch(b"quiet"), acks=0), 9)
        found = await client.ask(fetch("orders"), FetchResponse, 12)
        assert values(found.responses[0].partitions[0]) == [b"quiet"]
        client.send(produce("nowhere", batch(b"lost"), acks=0), 9)
        assert await client.ended()

    on_bench(tmp_path, scenario)
    assert "acks=0 failed: nowhere-0 UNKNOWN_TOPIC_OR_PARTITION" in caplog.text


def test_fetch_errors(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await put(client, "orders", b"one")

        async def code(request: FetchRequest, version: int = 12) -> int:
            return (await client.ask(request, FetchResponse, version)).responses[0].partitions[0].error_code

        assert await code(fetch("nowhere")) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert await code(fetch(""), 13) == ErrorCode.UNKNOWN_TOPIC_ID
        assert await code(fetch("orders", 2)) == ErrorCode.OFFSET_OUT_OF_RANGE
        assert await code(fetch("orders", -1)) == ErrorCode.OFFSET_OUT_OF_RANGE
        ahead = fetch("orders")
        ahead.topics[0].partitions[0].current_leader_epoch = 5
        assert await code(ahead) == ErrorCode.UNKNOWN_LEADER_EPOCH
        diverged = fetch("orders", 1)
        diverged.topics[0].partitions[0].last_fetched_epoch = 3
        assert await code(diverged) == ErrorCode.OFFSET_OUT_OF_RANGE  # newer than all that is known
        log = bench.partitions.get("orders", 0).log
        assert log is not None
        log.assign_epoch(4, 1)
        answer = await client.ask(diverged, FetchResponse, 12)
        diverging = answer.responses[0].partitions[0].diverging_epoch
        assert (diverging.epoch, diverging.end_offset) == (0, 1)

    on_bench(tmp_path, scenario)


def test_the_first_batch_comes_whole_and_the_limit_holds_after_it(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders", 2)
        client = await bench.client()
        for partition in range(2):
            for _ in range(2):
                await put(client, "orders", b"x" * 1_000, partition=partition)
        request = fetch("orders", max_bytes=100)
        request.topics[0].partitions.append(FetchPartition(partition=1, partition_max_bytes=1 << 20))
        answer = await client.ask(request, FetchResponse, 12)
        assert [len(values(each)) for each in answer.responses[0].partitions] == [1, 0]

    on_bench(tmp_path, scenario)


def test_with_flush_messages_an_answer_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("safe", configs={"flush.messages": "1"})
        log = bench.partitions.get("safe", 0).log
        assert log is not None
        client = await bench.client()
        for expected in range(3):
            answer = await put(client, "safe", b"x")
            assert answer.base_offset == expected
            assert log.recovery_point > expected
        assert log.high_watermark == 3

    on_bench(tmp_path, scenario)


def test_a_million_and_some_bytes_pass_through_files(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("big")
        client = await bench.client()
        for index in range(8):
            assert (await put(client, "big", bytes([index]) * 900_000)).error_code == 0
        found = await client.ask(fetch("big", max_bytes=5_000_000), FetchResponse, 12)
        request = fetch("big", max_bytes=50_000_000)
        request.topics[0].partitions[0].partition_max_bytes = 50_000_000
        found = await client.ask(request, FetchResponse, 12)
        assert values(found.responses[0].partitions[0]) == [bytes([each]) * 900_000 for each in range(8)]

    on_bench(tmp_path, scenario)


def test_refusals_say_what_kafka_says_beside_the_code(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        bench.metadata.create("compacted", configs={"cleanup.policy": "compact"})
        bench.metadata.create("__consumer_offsets")
        client = await bench.client()

        async def refused(request: ProduceRequest) -> PartitionProduceResponse:
            answer = await client.ask(request, ProduceResponse, 9)
            return answer.responses[0].partition_responses[0]

        damaged = bytearray(batch(b"x"))
        damaged[65] ^= 1
        corrupt = await refused(produce("orders", bytes(damaged)))
        assert (corrupt.error_code, corrupt.log_start_offset) == (ErrorCode.CORRUPT_MESSAGE, -1)
        assert corrupt.error_message is None
        nothing = await refused(produce("orders", b""))
        assert (nothing.error_code, nothing.log_start_offset) == (ErrorCode.INVALID_RECORD, -1)
        keyless = await refused(produce("compacted", batch(b"a", b"b")))
        assert (keyless.error_code, keyless.log_start_offset) == (ErrorCode.INVALID_RECORD, 0)
        assert [each.batch_index for each in keyless.record_errors] == [0, 1]
        assert keyless.error_message is not None
        internal = await refused(produce("__consumer_offsets", batch(b"x")))
        assert internal.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        gap = batch(b"x", producer_id=8, producer_epoch=0, base_sequence=0)
        assert (await refused(produce("orders", gap))).error_code == 0
        behind = await refused(
            produce("orders", batch(b"x", producer_id=8, producer_epoch=0, base_sequence=7))
        )
        assert (behind.error_code, behind.log_start_offset) == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 0)
        part = batch(b"x", producer_id=9, producer_epoch=0, base_sequence=0, transactional=True)
        request = produce("orders", part)
        request.transactional_id = "t"
        unverified = await refused(request)
        assert (unverified.error_code, unverified.log_start_offset) == (ErrorCode.NOT_ENOUGH_REPLICAS, -1)
        assert "COORDINATOR_NOT_AVAILABLE" in (unverified.error_message or "")

    on_bench(tmp_path, scenario)


def test_partitions_that_cannot_be_read_stand_behind_the_others(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await put(client, "orders", b"x")
        request = fetch("orders", partition=9)
        request.topics[0].partitions.append(FetchPartition(partition=0, partition_max_bytes=1000))
        answer = await client.ask(request, FetchResponse, 11)
        first, second = answer.responses[0].partitions
        assert (first.partition_index, first.error_code) == (0, 0)
        assert (second.partition_index, second.error_code) == (9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        stranger = await client.ask(fetch("orders", replica_id=7), FetchResponse, 11)
        assert stranger.responses[0].partitions[0].error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER

    on_bench(tmp_path, scenario)


def test_a_full_answer_of_a_cold_log_is_warmed_before_it_leaves(tmp_path: Path) -> None:
    warmed: list[int] = []

    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await put(client, "orders", b"x")
        log = bench.partitions.get("orders", 0).log
        assert log is not None
        log.roll(bench.world.clock.wall())  # what was written last counts as warm without a look
        segment = log.segments[0]
        file = segment.file

        class Cold:
            """The segment's file, as if nothing of it were in memory."""

            def __getattr__(self, name: str) -> object:
                return getattr(file, name)

            def is_warm(self, size: int, at: int) -> bool:
                return bool(warmed)

            async def read_cold(self, size: int, at: int) -> bytes:
                await bench.world.clock.sleep(5)
                warmed.append(1)
                return await file.read_cold(size, at)

        segment._file = Cold()  # type: ignore[assignment]
        answer = await client.ask(fetch("orders"), FetchResponse, 12)
        assert values(answer.responses[0].partitions[0]) == [b"x"]

    on_bench(tmp_path, scenario)
    assert warmed == [1]


def test_thousands_of_partitions_come_up_in_slices(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        placed: list[tuple[Uuid, int]] = []
        bench.partitions.on_placed = placed.extend
        topic = bench.metadata.create("wide", 200)
        assert len(bench.partitions) == PLACED_A_TURN
        late = PLACED_A_TURN + 100
        assert bench.partitions.absence("wide", late) == ErrorCode.NOT_LEADER_OR_FOLLOWER
        await bench.partitions.settled()
        assert len(bench.partitions) == 200 and bench.partitions.get("wide", late).leading
        assert placed == [(topic.id, index) for index in range(PLACED_A_TURN, 200)]
        bench.metadata.create("gone", 200)
        bench.metadata.delete("gone")
        await bench.partitions.settled()
        assert len(bench.partitions) == 200

    on_bench(tmp_path, scenario)
