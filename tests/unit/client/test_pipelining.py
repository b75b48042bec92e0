"""Five batches of a partition under way at once: the log holds every record once, in order, whatever goes wrong.

The leaders here keep what a broker keeps of an idempotent producer: the place of its last five batches. They answer
late, refuse, forget to answer, write and then hang up, and lose their leadership, as a seed says.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientTimeout
from ottla.client.producing.producer import Producer
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import headers
from ottla.core.records.record import records
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.metadata import MetadataRequest
from ottla.core.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, Wire, metadata

REMEMBERED = 5
"""Batches of a producer whose places a broker remembers."""

REFUSALS = (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.REQUEST_TIMED_OUT)


class SlowBroker(ScriptedBroker):
    """Answers after a while, in the order of requests."""

    def __init__(self, node_id: int, world: ScriptedWorld) -> None:
        super().__init__(node_id)
        self.delay: Callable[[], int] = lambda: 0
        self.waiting = 0
        self.most_waiting = 0
        self._world = world
        self._due = 0

    def asked(self, wire: Wire, frame: bytes) -> None:
        is_produce = frame[:2] == int(ApiKey.PRODUCE).to_bytes(2, "big")
        self._due = max(self._due, self._world.clock.now() + self.delay())
        if is_produce:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)

        def now() -> None:
            self.waiting -= is_produce
            super(SlowBroker, self).asked(wire, frame)

        if not self.delay():
            now()
        else:
            self._world.clock.call_at(self._due, now)


class Partition:
    """One partition and those who lead it in turn."""

    def __init__(self, faults: Callable[[], str] = lambda: "") -> None:
        self.world = ScriptedWorld()
        self.leaders = {"a": [1]}
        self.brokers = [SlowBroker(node_id, self.world) for node_id in (1, 2)]
        self.values: list[bytes | None] = []
        self.places: dict[tuple[int, int], deque[tuple[int, int, int]]] = {}
        """Producer id and epoch -> the last batches: first and last place, offset."""
        self.faults = faults
        self.ids = iter(range(100, 10_000))
        for broker in self.brokers:
            self.world.network.brokers[broker.address] = broker
            broker.answers[MetadataRequest] = metadata(self.brokers, self.leaders)
            broker.answers[InitProducerIdRequest] = lambda _: InitProducerIdResponse(
                producer_id=next(self.ids)
            )
            broker.answers[ProduceRequest] = partial(self.produce, broker.node_id)

    def produce(self, node: int, request: ProduceRequest) -> Body | bytes | None:
        fault = self.faults()
        topic = request.topic_data[0]
        data = memoryview(topic.partition_data[0].records or b"")  # type: ignore[arg-type]
        if fault == "move":
            self.leaders["a"] = [3 - self.leaders["a"][0]]
        if fault == "lose":
            return ScriptedBroker.LOSE
        code, offset = ErrorCode.NOT_LEADER_OR_FOLLOWER, -1
        if self.leaders["a"][0] == node:
            code, offset = (REFUSALS[len(self.values) % 3], -1) if fault == "refuse" else self.write(data)
        if fault == "write and lose":
            return ScriptedBroker.LOSE
        if fault == "write and refuse" and not code:
            code = ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        part = PartitionProduceResponse(index=0, error_code=code, base_offset=offset)
        return ProduceResponse(responses=[TopicProduceResponse(topic.name, topic.topic_id, [part])])

    def write(self, data: memoryview) -> tuple[ErrorCode, int]:
        ((_, header),) = headers(data)
        first, last = header.base_sequence, header.base_sequence + header.count - 1
        known = self.places.setdefault((header.producer_id, header.producer_epoch), deque(maxlen=REMEMBERED))
        for place in known:
            if place[:2] == (first, last):
                return ErrorCode.NONE, place[2]
        if known and first != known[-1][1] + 1:
            return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1
        offset = len(self.values)
        self.values += [record.value for record in records(data, header)]
        known.append((first, last, offset))
        return ErrorCode.NONE, offset

    def run(self, scenario: Callable[[Producer], Awaitable[Any]], **settings: Any) -> None:
        async def inside() -> None:
            chosen: dict[str, Any] = {"linger_ms": 0, "batch_size": 80, **settings}
            servers = (self.brokers[0].address,)
            async with Cluster(
                self.world.doors, ProducerSettings(bootstrap_servers=servers, **chosen)
            ) as cluster:
                producer = Producer(cluster)
                await scenario(producer)
                await producer.close()

        self.world.run(inside())


def numbers(count: int) -> list[bytes | None]:
    return [b"%04d" % number for number in range(count)]


def test_five_are_under_way_once_the_broker_knows_the_producer() -> None:
    partition = Partition()
    partition.brokers[0].delay = lambda: 50

    async def scenario(producer: Producer) -> None:
        deliveries = [await producer.send("a", value) for value in numbers(40)]
        assert [(await each).offset for each in deliveries] == list(range(40))

    partition.run(scenario)
    assert partition.values == numbers(40)
    assert partition.brokers[0].most_waiting == 5


def test_without_idempotence_one_at_a_time_keeps_the_order() -> None:
    partition = Partition()
    partition.brokers[0].delay = lambda: 50

    async def scenario(producer: Producer) -> None:
        for value in numbers(10):
            await producer.send("a", value)

    partition.run(scenario, enable_idempotence=False)
    assert partition.brokers[0].most_waiting == 1


@pytest.mark.parametrize("seed", range(40))
def test_whatever_goes_wrong_every_record_is_there_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    kinds = ["refuse", "lose", "write and lose", "write and refuse", "move"]

    def faults() -> str:
        return chance.choice(kinds) if chance.random() < 0.3 else ""

    partition = Partition(faults)
    for broker in partition.brokers:
        broker.delay = lambda: chance.choice((1, 5, 60))

    async def scenario(producer: Producer) -> None:
        deliveries = []
        for value in numbers(60):
            deliveries.append(await producer.send("a", value))
            if chance.random() < 0.3:
                await partition.world.clock.sleep(chance.randrange(1, 40))
        for delivery in deliveries:
            await delivery

    partition.run(scenario)
    assert partition.values == numbers(60)


def test_a_batch_refused_for_good_tears_no_hole_for_those_behind_it() -> None:
    partition = Partition()
    partition.brokers[0].delay = lambda: 50
    write = partition.write

    def too_large_once(data: memoryview) -> tuple[ErrorCode, int]:
        if b"0007" in bytes(data):
            return ErrorCode.MESSAGE_TOO_LARGE, -1
        return write(data)

    partition.write = too_large_once  # type: ignore[method-assign]

    async def scenario(producer: Producer) -> None:
        deliveries = [await producer.send("a", value) for value in numbers(20)]
        outcomes = []
        for delivery in deliveries:
            try:
                outcomes.append((await delivery).offset)
            except KafkaError as error:
                assert error.code == ErrorCode.MESSAGE_TOO_LARGE
        assert outcomes == sorted(outcomes)
        assert partition.values == [value for value in numbers(20) if value in partition.values]
        assert 17 <= len(partition.values) < 20

    partition.run(scenario)


def test_a_batch_whose_time_is_over_does_not_hold_back_the_next() -> None:
    refusing = [True]
    partition = Partition(lambda: "refuse" if refusing[0] else "")
    partition.brokers[0].delay = lambda: 1

    async def scenario(producer: Producer) -> None:
        late = await producer.send("a", b"late")
        with pytest.raises(ClientTimeout, match="not delivered in time"):
            await late
        refusing[0] = False
        assert (await (await producer.send("a", b"next"))).offset == 0

    partition.run(scenario, delivery_timeout_ms=5_000)
    assert partition.values == [b"next"]
