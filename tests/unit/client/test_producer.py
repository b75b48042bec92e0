"""The producer: batches, order, retries, sequences, limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientError, ClientTimeout
from ottla.client.producing.delivery import Delivered
from ottla.client.producing.outgoing import Outgoing
from ottla.client.producing.producer import Producer
from ottla.client.serialization import STRING, SerializationError
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import headers
from ottla.core.records.record import records
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.metadata import MetadataRequest
from ottla.core.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, metadata


class Log:
    """What a scripted leader has written: (partition, sequence, values) in order of arrival."""

    def __init__(self, world: ScriptedWorld, topics: dict[str, list[int]], *, nodes: int = 1) -> None:
        self.world = world
        self.brokers = [world.broker(node_id) for node_id in range(1, nodes + 1)]
        self.written: list[tuple[int, int, list[bytes | None]]] = []
        self.producer_ids = iter(range(100, 200))
        self.errors: list[ErrorCode | bytes | None] = []
        """What the next requests meet: an error, an answer that is lost, or None."""
        self.ends: dict[int, int] = {}
        for broker in self.brokers:
            broker.answers[MetadataRequest] = metadata(self.brokers, topics)
            broker.answers[ProduceRequest] = self.answer
            broker.answers[InitProducerIdRequest] = lambda request: InitProducerIdResponse(
                producer_id=next(self.producer_ids)
            )

    def answer(self, request: ProduceRequest) -> Body | bytes | None:
        meets = self.errors.pop(0) if self.errors else None
        if isinstance(meets, bytes):
            self.write(request)
            return meets
        if meets is None:
            answer = self.write(request)
        else:
            answer = refusing(request, meets)
        return None if request.acks == 0 else answer

    def write(self, request: ProduceRequest) -> ProduceResponse:
        topics = []
        for topic in request.topic_data:
            parts = []
            for part in topic.partition_data:
                data = memoryview(part.records or b"")  # type: ignore[arg-type]
                base = self.ends.get(part.index, 0)
                for position, header in headers(data):
                    values = [record.value for record in records(data[position:], header)]
                    self.written.append((part.index, header.base_sequence, values))
                    self.ends[part.index] = base + len(values)
                parts.append(PartitionProduceResponse(index=part.index, base_offset=base))
            topics.append(TopicProduceResponse(topic.name, topic.topic_id, parts))
        return ProduceResponse(responses=topics)

    def run(
        self,
        scenario: Callable[[Producer], Any],
        make: Callable[[Cluster], Producer] = Producer,
        **settings: Any,
    ) -> None:
        async def inside() -> None:
            chosen = ProducerSettings(bootstrap_servers=(self.brokers[0].address,), **settings)
            async with Cluster(self.world.doors, chosen) as cluster:
                await scenario(make(cluster))

        self.world.run(inside())


def refusing(request: ProduceRequest, code: ErrorCode) -> ProduceResponse:
    return ProduceResponse(
        responses=[
            TopicProduceResponse(
                topic.name,
                topic.topic_id,
                [
                    PartitionProduceResponse(index=part.index, error_code=code)
                    for part in topic.partition_data
                ],
            )
            for topic in request.topic_data
        ]
    )


def test_records_sent_together_travel_together() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        deliveries = [await producer.send("a", b"%d" % number) for number in range(5)]
        receipts = [await delivery for delivery in deliveries]
        assert [receipt.offset for receipt in receipts] == [0, 1, 2, 3, 4]
        assert log.written == [(0, 0, [b"0", b"1", b"2", b"3", b"4"])]

    log.run(scenario)


def test_a_batch_leaves_when_its_linger_is_over() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        began = log.world.clock.now()
        await (await producer.send("a", b"x"))
        assert log.world.clock.now() - began == 250

    log.run(scenario, linger_ms=250)


def test_a_full_batch_does_not_wait() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        began = log.world.clock.now()
        first = await producer.send("a", b"x" * 600)
        await producer.send("a", b"y" * 600)
        await first
        assert log.world.clock.now() == began

    log.run(scenario, linger_ms=60_000, batch_size=1_000)


def test_one_key_goes_to_one_partition_and_sequences_count_on() -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1, 1, 1]})

    async def scenario(producer: Producer) -> None:
        for number in range(6):
            await (await producer.send("a", b"%d" % number, key=b"42"))
        assert {partition for partition, _, _ in log.written} == {log.written[0][0]}
        assert [sequence for _, sequence, _ in log.written] == [0, 1, 2, 3, 4, 5]

    log.run(scenario)


def test_a_refused_batch_is_tried_again_and_not_overtaken() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})
    log.errors = [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.NOT_LEADER_OR_FOLLOWER, None]

    async def scenario(producer: Producer) -> None:
        first = await producer.send("a", b"1")
        await log.world.clock.sleep(20)
        second = await producer.send("a", b"2")
        assert ((await first).offset, (await second).offset) == (0, 1)
        assert log.written == [(0, 0, [b"1"]), (0, 1, [b"2"])]

    log.run(scenario)


def test_a_lost_answer_is_asked_again_with_the_same_sequence() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})
    log.errors = [ScriptedBroker.LOSE, ErrorCode.DUPLICATE_SEQUENCE_NUMBER]

    async def scenario(producer: Producer) -> None:
        receipt = await (await producer.send("a", b"1"))
        assert receipt.offset == -1, "written by the first attempt, where is not told"
        requests = log.brokers[0].asked_for(ProduceRequest)
        sent = [bytes(request.topic_data[0].partition_data[0].records) for request in requests]
        assert len(sent) == 2
        assert sent[0] == sent[1]

    log.run(scenario)


def test_a_batch_refused_for_good_leaves_no_gap_in_the_sequence() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})
    log.errors = [ErrorCode.MESSAGE_TOO_LARGE]

    async def scenario(producer: Producer) -> None:
        with pytest.raises(KafkaError, match="MESSAGE_TOO_LARGE"):
            await (await producer.send("a", b"1"))
        await (await producer.send("a", b"2"))
        assert log.written == [(0, 0, [b"2"])]

    log.run(scenario)


def test_a_forgotten_producer_introduces_itself_anew() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        await (await producer.send("a", b"1"))
        log.errors = [ErrorCode.UNKNOWN_PRODUCER_ID]
        await (await producer.send("a", b"2"))
        assert log.written == [(0, 0, [b"1"]), (0, 0, [b"2"])]
        assert len(log.brokers[0].asked_for(InitProducerIdRequest)) == 2

    log.run(scenario)


def test_a_leader_that_moves_is_followed() -> None:
    topics = {"a": [1]}
    log = Log(ScriptedWorld(), topics, nodes=2)
    log.errors = [ErrorCode.NOT_LEADER_OR_FOLLOWER]

    async def scenario(producer: Producer) -> None:
        topics["a"] = [2]
        await producer.cluster.topic("a")
        producer.cluster.view.topics.clear()
        topics["a"] = [1]
        await producer.cluster.refresh(["a"])
        topics["a"] = [2]
        await (await producer.send("a", b"1"))
        assert len(log.brokers[1].asked_for(ProduceRequest)) == 1

    log.run(scenario)


def test_what_cannot_be_delivered_in_time_fails_with_the_last_reason() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})
    log.errors = [ErrorCode.NOT_ENOUGH_REPLICAS] * 1_000

    async def scenario(producer: Producer) -> None:
        began = log.world.clock.now()
        with pytest.raises(
            ClientTimeout, match="1 records for a-0 were not delivered in time; last: NOT_ENOUGH"
        ):
            await (await producer.send("a", b"1"))
        assert 10_000 <= log.world.clock.now() - began <= 30_000

    log.run(scenario, delivery_timeout_ms=30_000)


def test_acks_0_waits_for_nobody() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        receipt = await (await producer.send("a", b"1"))
        await log.world.clock.sleep(1)
        assert receipt.offset == -1
        assert log.written == [(0, -1, [b"1"])]
        assert not log.brokers[0].asked_for(InitProducerIdRequest)

    log.run(scenario, acks=0)


def test_a_full_buffer_makes_the_sender_wait() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        began = log.world.clock.now()
        for _ in range(10):
            await producer.send("a", bytes(900))
        assert log.world.clock.now() - began >= 400, "four times a linger of 100 ms had to make room"
        await producer.flush()
        assert sum(len(values) for _, _, values in log.written) == 10

    log.run(scenario, linger_ms=100, batch_size=100_000, buffer_memory=2_000)


def test_flush_does_not_linger_and_close_delivers() -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1]})

    async def scenario(producer: Producer) -> None:
        seen: list[Delivered] = []
        producer.on_delivery = seen.append
        began = log.world.clock.now()
        await producer.send("a", b"1", partition=0)
        await producer.send("a", b"2", partition=1)
        await producer.close()
        assert log.world.clock.now() == began
        assert sorted((each.partition, each.count) for each in seen) == [(0, 1), (1, 1)]
        with pytest.raises(ClientError, match="closed"):
            await producer.send("a", b"3")

    log.run(scenario, linger_ms=60_000)


@pytest.mark.parametrize(
    ("topic", "partition", "size", "error"),
    [
        ("a", 7, 1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("a", 0, 2_000_000, ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_what_can_be_refused_here_never_leaves(
    topic: str, partition: int, size: int, error: ErrorCode
) -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        with pytest.raises(KafkaError) as raised:
            await producer.send(topic, bytes(size), partition=partition)
        assert raised.value.code == error
        await producer.close()
        assert not log.brokers[0].asked_for(ProduceRequest)

    log.run(scenario)


def test_a_buffer_that_stays_full_is_told_after_max_block_ms() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        await producer.send("a", bytes(900))
        await producer.send("a", bytes(900))
        began = log.world.clock.now()
        with pytest.raises(ClientTimeout, match=r"no room in buffer\.memory=2000"):
            await producer.send("a", bytes(900))
        assert log.world.clock.now() - began == 300

    log.run(scenario, linger_ms=10_000, batch_size=100_000, buffer_memory=2_000, max_block_ms=300)


def test_columns_fill_batches_in_the_order_of_their_rows() -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1]})

    async def scenario(producer: Producer) -> None:
        values = [b"%03d" % number for number in range(100)]
        delivered = await (await producer.send_columns("a", values, partition=1, timestamps=range(100)))
        assert sum(each.count for each in delivered) == 100
        assert {each.partition for each in delivered} == {1}
        assert [value for _, _, batch in log.written for value in batch] == values
        assert len(log.written) > 3
        with pytest.raises(ValueError, match="differ in length"):
            await producer.send_columns("a", values, keys=[b"k"])
        assert (await producer.send_columns("a", [])).is_done

    log.run(scenario, batch_size=400, linger_ms=0)


def test_rows_with_keys_go_where_records_with_these_keys_go() -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1, 1]})

    async def scenario(producer: Producer) -> None:
        keys: list[bytes | None] = [b"k%d" % (number % 5) for number in range(20)]
        await (await producer.send_columns("a", keys, keys=keys))
        places = {value: partition for partition, _, batch in log.written for value in batch}
        for key in set(keys):
            receipt = await (await producer.send("a", b"one", key=key))
            assert receipt.partition == places[key]

    log.run(scenario, linger_ms=0)


@pytest.mark.parametrize(
    ("partitioner", "partitions"),
    [
        ("round_robin", [0, 1, 2, 0]),
        (lambda topic, key, value: len(value) % len(topic.partitions), [0, 1, 2, 0]),
    ],
)
def test_partitioners_choose(partitioner: Any, partitions: list[int]) -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1, 1]})

    async def scenario(producer: Producer) -> None:
        deliveries = [await producer.send("a", b"x" * size, key=b"k") for size in (3, 4, 5, 6)]
        assert [(await each).partition for each in deliveries] == partitions

    log.run(scenario, partial(Producer, partitioner=partitioner))


def test_interceptors_see_and_change_what_is_sent() -> None:
    log = Log(ScriptedWorld(), {"a": [1]})
    seen: list[int] = []

    class Upper:
        def on_send(self, topic: str, record: Outgoing) -> Outgoing:
            return Outgoing(record.value.upper(), record.key, [("by", topic.encode())])

        def on_delivered(self, delivered: Delivered) -> None:
            seen.append(delivered.count)

    async def scenario(producer: Producer) -> None:
        await (await producer.send("a", "tea"))
        assert log.written == [(0, 0, [b"TEA"])]
        assert seen == [1]
        assert producer.metrics()["record-send-total"] == 1

    log.run(scenario, partial(Producer, interceptors=[Upper()], value_serializer=STRING))


def test_many_a_call_are_sent_with_what_is_said_of_each() -> None:
    log = Log(ScriptedWorld(), {"a": [1, 1]})

    async def scenario(producer: Producer) -> None:
        plain = (f"{number}" for number in range(2_500))
        told = await (await producer.send_batch("a", plain, partition=0))
        assert sum(each.count for each in told) == 2_500
        assert [value for _, _, batch in log.written for value in batch] == [b"%d" % n for n in range(2_500)]
        log.written.clear()
        deliveries = await producer.send_batch("a", ["x", Outgoing("y", partition=1), None], partition=0)
        await deliveries
        assert deliveries.count == 3
        written = [(partition, value) for partition, _, batch in log.written for value in batch]
        assert [each for each in written if each[0] == 0] == [(0, b"x"), (0, None)]
        assert [each for each in written if each[0] == 1] == [(1, b"y")]
        with pytest.raises(SerializationError):
            await producer.send_batch("a", ["x", 5])

    log.run(scenario, partial(Producer, value_serializer=STRING), linger_ms=0)


@pytest.mark.parametrize("columns", [False, True])
def test_full_batches_leave_while_the_sender_goes_on(columns: bool) -> None:
    log = Log(ScriptedWorld(), {"a": [1]})

    async def scenario(producer: Producer) -> None:
        await (await producer.send("a", b"first"))
        if columns:
            await producer.send_columns("a", [b"x" * 600] * 40)
        else:
            for _ in range(40):
                await producer.send("a", b"x" * 600)
        assert len(log.brokers[0].asked_for(ProduceRequest)) > 3

    log.run(scenario, linger_ms=60_000 if columns else 0, batch_size=1_000)
