"""Our share consumer on whichever broker runs: every record to one member at a time, until it is accepted."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ottla.client import (
    AcknowledgeType,
    Admin,
    ErrorCode,
    KafkaError,
    NotAcknowledged,
    NotInHand,
    Producer,
    ShareConsumer,
    ShareRecord,
)
from ottla.client import blocking as waiting
from ottla.client.admin.configs import ConfigChange, Resource, ResourceType
from ottla.client.consuming.subscribing import NotSubscribed
from ottla.client.offsets import TopicPartition
from ottla.client.serialization import JSON, SerializationError
from tests.conformance.broker import Broker
from tests.conformance.share_node import SETTINGS
from tests.nodes import Node, Product
from tests.samples import SECONDS

ACCEPT, RELEASE, REJECT, RENEW = (
    AcknowledgeType.ACCEPT,
    AcknowledgeType.RELEASE,
    AcknowledgeType.REJECT,
    AcknowledgeType.RENEW,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shared(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    node = Node(Path(tmp_path_factory.mktemp("share")), product, SETTINGS)
    node.start()
    yield Broker(node)
    node.kill()


def share_group(broker: Broker, **configs: str) -> str:
    """A new group that begins with the first record."""
    group = f"packers-{uuid.uuid4()}"
    with waiting.Admin(bootstrap_servers=broker.bootstrap) as admin:
        resource = Resource(ResourceType.GROUP, group)
        entries = {"share_auto_offset_reset": "earliest", **configs}
        changes = [ConfigChange(name.replace("_", "."), each) for name, each in entries.items()]
        done = admin.alter_configs({resource: changes})
        assert not any(done.values()), done
    return group


def fill(
    broker: Broker, topic: str, values: range | list[bytes], partitions: int = 1, **settings: Any
) -> None:
    with waiting.Producer(bootstrap_servers=broker.bootstrap, **settings) as producer:
        for number, value in enumerate(values):
            data = value if isinstance(value, bytes) else b"%d" % value
            producer.send(topic, data, partition=number % partitions)
        producer.flush()


def sharer(broker: Broker, topic: str, group: str, **settings: Any) -> ShareConsumer:
    return ShareConsumer(topic, bootstrap_servers=broker.bootstrap, group_id=group, **settings)


def explicit(broker: Broker, topic: str, group: str, **settings: Any) -> ShareConsumer:
    return sharer(broker, topic, group, share_acknowledgement_mode="explicit", **settings)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 2 * SECONDS))


async def some(consumer: ShareConsumer) -> list[ShareRecord]:
    """One poll that gives something."""
    for _ in range(SECONDS):
        records = await consumer.poll(1_000)
        if records:
            return records
    raise AssertionError("nothing came")


async def read(consumer: ShareConsumer, count: int) -> list[int]:
    """So many, accepted one after another."""
    found: list[int] = []
    async for record in consumer:
        found.append(int(record.value))
        if len(found) == count:
            break
    assert not any((await consumer.commit()).values())
    return found


def test_every_record_once_and_none_again(shared: Broker) -> None:
    topic, group = shared.topic(3), share_group(shared)
    fill(shared, topic, range(300), 3)

    async def scenario() -> None:
        async with sharer(shared, topic, group) as consumer:
            assert sorted(await read(consumer, 300)) == list(range(300))
            assert consumer.subscription == (topic,) and consumer.acquisition_lock_timeout_ms == 30_000
        fill(shared, topic, range(1_000, 1_005))
        async with sharer(shared, topic, group) as consumer:
            assert sorted(await read(consumer, 5)) == list(range(1_000, 1_005))
            assert await consumer.poll(500) == []

    run(scenario)


def test_what_is_said_of_a_record_counts(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, range(9))
    deliveries: dict[int, list[int]] = {}
    told: list[tuple[TopicPartition, list[int], Exception | None]] = []

    async def scenario() -> None:
        async with explicit(
            shared, topic, group, on_acknowledged=lambda *each: told.append(each)
        ) as consumer:
            while sum(map(len, deliveries.values())) < 12:
                for record in await consumer.poll(1_000):
                    counts = deliveries.setdefault(int(record.value), [])
                    counts.append(record.delivery_count)
                    kind = (ACCEPT, RELEASE, REJECT)[int(record.value) % 3]
                    consumer.acknowledge(record, ACCEPT if len(counts) > 1 else kind)
            assert await consumer.commit() == {(topic, 0): None}
            assert await consumer.poll(500) == []

    run(scenario)
    assert deliveries == {number: [1, 2] if number % 3 == 1 else [1] for number in range(9)}
    assert sum(len(offsets) for _, offsets, _ in told) == 12
    assert all(partition == (topic, 0) and error is None for partition, _, error in told)


def test_wrong_uses_are_told(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, range(2))

    async def scenario() -> None:
        async with explicit(shared, topic, group) as consumer:
            first, second = await some(consumer)
            with pytest.raises(
                NotAcknowledged, match=f"2 records wait for a word, the first is {topic}-0 offset 0"
            ):
                await consumer.poll(10)
            consumer.acknowledge(first)
            with pytest.raises(NotInHand):
                consumer.acknowledge(first)
            with pytest.raises(ValueError, match="GAP"):
                consumer.acknowledge(second, AcknowledgeType.GAP)
            consumer.acknowledge(second, REJECT)
            with pytest.raises(NotSubscribed):
                consumer.subscribe()
        async with sharer(shared, topic, group) as consumer:
            with pytest.raises(ValueError, match="explicit"):
                consumer.acknowledge(first)

    run(scenario)


def test_a_lock_ends_unless_it_is_renewed(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_record_lock_duration_ms="1500")
    fill(shared, topic, range(2))

    async def scenario() -> None:
        async with explicit(shared, topic, group) as slow, explicit(shared, topic, group) as other:
            kept, lost = await some(slow)
            for _ in range(4):
                slow.acknowledge(kept, RENEW)
                assert await slow.commit() == {(topic, 0): None}
                await asyncio.sleep(0.6)
            (again,) = await some(other)
            assert (again.offset, again.delivery_count) == (lost.offset, 2)
            slow.acknowledge(lost)
            refused = (await slow.commit())[topic, 0]
            assert isinstance(refused, KafkaError) and refused.code == ErrorCode.INVALID_RECORD_STATE
            slow.acknowledge(kept)
            assert await slow.commit() == {(topic, 0): None}
            other.acknowledge(again)
            assert await other.commit() == {(topic, 0): None}

    run(scenario)


def test_who_breaks_off_lets_its_records_go(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_record_lock_duration_ms="60000")
    fill(shared, topic, range(4))

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="no paper"):
            async with sharer(shared, topic, group) as consumer:
                async for record in consumer:
                    if int(record.value) == 2:
                        raise RuntimeError("no paper")
        async with sharer(shared, topic, group) as consumer:
            assert await read(consumer, 2) == [2, 3]
            assert await consumer.poll(500) == []

    run(scenario)


def test_a_limit_of_records_is_kept(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, range(10))

    async def scenario() -> None:
        limits = {"max_poll_records": 3, "share_acquire_mode": "record_limit"}
        async with sharer(shared, topic, group, **limits) as consumer:
            sizes = []
            while sum(sizes) < 10:
                sizes.append(len(await some(consumer)))
            assert sizes == [3, 3, 3, 1]

    run(scenario)


def test_two_members_never_hold_the_same_record(shared: Broker) -> None:
    topic, group = shared.topic(2), share_group(shared)
    seen: list[int] = []

    async def work() -> None:
        async with sharer(shared, topic, group, max_poll_records=10) as consumer:
            while len(seen) < 200:
                seen.extend(int(record.value) for record in await consumer.poll(200))
                assert not any((await consumer.commit()).values())

    async def scenario() -> None:
        workers = asyncio.gather(work(), work())
        fill(shared, topic, range(200), 2)
        await workers

    run(scenario)
    assert sorted(seen) == list(range(200))


def test_what_does_not_fit_its_deserializer_is_released_and_told(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_delivery_count_limit="2")
    fill(shared, topic, [b"1", b"2", b"{", b"4"])

    async def scenario() -> None:
        async with sharer(shared, topic, group, value_deserializer=JSON) as consumer:
            assert [record.value for record in await some(consumer)] == [1, 2]
            found = []
            failures = 0
            for _ in range(SECONDS):
                try:
                    found += [record.value for record in await consumer.poll(1_000)]
                except SerializationError:
                    failures += 1
                if found and failures == 2:
                    break
            assert (found, failures) == ([4], 2)
            assert await consumer.poll(500) == []

    run(scenario)


def test_markers_of_transactions_are_passed_over(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_isolation_level="read_committed")

    async def scenario() -> None:
        name = f"tx-{uuid.uuid4()}"
        async with Producer(bootstrap_servers=shared.bootstrap, transactional_id=name) as producer:
            for number in range(6):
                try:
                    async with producer.transaction():
                        await (await producer.send(topic, b"%d" % number))
                        if number % 2:
                            raise RuntimeError("aborts")
                except RuntimeError:
                    pass
        async with sharer(shared, topic, group) as consumer:
            assert sorted(await read(consumer, 3)) == [0, 2, 4]
        async with Admin(bootstrap_servers=shared.bootstrap) as admin:
            starts = (await admin.share_group_offsets([group]))[group]
            assert not isinstance(starts, KafkaError)
            start = starts[topic, 0]
            assert not isinstance(start, KafkaError) and start.lag == 0

    run(scenario)


def test_it_goes_on_when_the_node_was_killed(product: Product, tmp_path: Path) -> None:
    node = Node(tmp_path / "node", product, SETTINGS)
    node.start()
    try:
        broker = Broker(node)
        topic, group = broker.topic(), share_group(broker)
        fill(broker, topic, range(10))

        async def scenario() -> None:
            async with explicit(broker, topic, group) as consumer:
                held = await some(consumer)
                assert len(held) == 10
                for record in held[:5]:
                    consumer.acknowledge(record)
                assert await consumer.commit() == {(topic, 0): None}
                for record in held[5:]:
                    consumer.acknowledge(record)
                await asyncio.to_thread(node.kill)
                (problem,) = (await consumer.commit()).values()
                assert problem is not None
                await asyncio.to_thread(node.start)
                again: list[int] = []
                while len(again) < 5:
                    for record in await consumer.poll(1_000):
                        again.append(int(record.value))
                        consumer.acknowledge(record)
                assert sorted(again) == [5, 6, 7, 8, 9]
                assert await consumer.commit() == {(topic, 0): None}

        run(scenario)
    finally:
        node.kill()


def test_without_asyncio(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, range(5))
    found = []
    with waiting.ShareConsumer(topic, bootstrap_servers=shared.bootstrap, group_id=group) as consumer:
        for record in consumer:
            found.append(int(record.value))
            if len(found) == 5:
                break
        assert consumer.commit() == {(topic, 0): None}
        assert consumer.poll(500) == []
    assert found == list(range(5))
