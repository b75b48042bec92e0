"""Our consumer in groups, on whichever broker runs: beside others of its kind and beside librdkafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set
from typing import Any, Final

import pytest

from ottla.client.consuming.committing import CommitRefused
from ottla.client.consuming.consumer import Consumer
from ottla.client.consuming.listener import RebalanceListener
from ottla.client.offsets import TopicPartition
from ottla.core.model.errors import KafkaError
from tests.conformance.broker import Broker
from tests.members import Member
from tests.samples import SECONDS
from tests.waiting import until

PROTOCOLS: Final = ["classic", "consumer"]
QUICK: Final = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 300}


def consumer(broker: Broker, *topics: str, group: str | None, **settings: Any) -> Consumer:
    if settings.get("group_protocol", "classic") == "classic":
        settings = {**QUICK, **settings}
    return Consumer(
        *topics, bootstrap_servers=broker.bootstrap, group_id=group, auto_offset_reset="earliest", **settings
    )


def fill(broker: Broker, topic: str, partitions: int, values: range, **settings: Any) -> None:
    """Value n goes to partition n modulo `partitions`."""
    producer = pytest.importorskip("confluent_kafka").Producer(
        {"bootstrap.servers": broker.bootstrap, **settings}
    )
    for value in values:
        producer.produce(topic, value=b"%d" % value, key=b"k", partition=value % partitions)
    assert producer.flush(SECONDS) == 0


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 2 * SECONDS))


async def values(reader: Consumer, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        for fetched in await reader.poll(1_000):
            found += [int(record.value or b"") for record in fetched.records()]
    return found


class Reader:
    """A consumer at work in a task of its own, until it is told to leave."""

    def __init__(self, reader: Consumer) -> None:
        self.consumer = reader
        self.values: list[int] = []
        self._stay = True
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.consumer as reader:
            while self._stay:
                for fetched in await reader.poll(50):
                    self.values += [int(record.value or b"") for record in fetched.records()]

    @property
    def assigned(self) -> Set[TopicPartition]:
        return self.consumer.assignment if not self.task.done() and self.consumer.is_open else frozenset()

    async def leave(self) -> None:
        self._stay = False
        await self.task


async def come_to(holds: Callable[[], object], what: str) -> None:
    for _ in range(SECONDS * 20):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_group_goes_on_where_it_has_committed(broker: Broker, protocol: str) -> None:
    topic = broker.topic(3)
    fill(broker, topic, 3, range(300))

    async def scenario() -> None:
        seen: list[int] = []
        async with consumer(broker, topic, group=f"on-{topic}", group_protocol=protocol) as reader:
            async for record in reader:
                seen.append(int(record.value))
                if len(seen) == 150:
                    break
            await reader.commit()
            stored = await reader.committed()
            assert sum(each.offset for each in stored.values() if each) == 150
        async with consumer(broker, topic, group=f"on-{topic}", group_protocol=protocol) as reader:
            seen += await values(reader, 150)
        assert sorted(seen) == list(range(300))

    run(scenario)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("strategy", ["range", "roundrobin", "sticky", "cooperative-sticky"])
def test_partitions_are_shared_and_go_back(broker: Broker, protocol: str, strategy: str) -> None:
    if protocol == "consumer" and strategy != "range":
        pytest.skip("the coordinator shares, by one assignor")
    topic = broker.topic(4)
    fill(broker, topic, 4, range(400))
    group = f"share-{topic}"
    chosen: dict[str, Any] = {"group_protocol": protocol, "partition_assignment_strategy": (strategy,)}

    async def scenario() -> None:
        first = Reader(consumer(broker, topic, group=group, **chosen))
        await come_to(lambda: len(first.assigned) == 4 and len(first.values) == 400, "one has everything")
        second = Reader(consumer(broker, topic, group=group, **chosen))
        await come_to(lambda: len(first.assigned) == len(second.assigned) == 2, "two share")
        assert not first.assigned & second.assigned
        await first.leave()
        await come_to(lambda: len(second.assigned) == 4, "who stays has everything")
        fill(broker, topic, 4, range(400, 404))
        await come_to(lambda: {400, 401, 402, 403} <= set(second.values), "and reads it")
        await second.leave()
        assert sorted(first.values + second.values) == list(range(404)), "nothing twice, for nobody crashed"

    run(scenario)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_beside_librdkafka(broker: Broker, protocol: str, strategy: str) -> None:
    if protocol == "consumer" and strategy != "range":
        pytest.skip("the coordinator shares, by one assignor")
    topic = broker.topic(4)
    group = f"beside-{topic}"
    theirs = {"group.protocol": protocol}
    if protocol == "classic":
        theirs["partition.assignment.strategy"] = strategy
    other = Member(broker, topic, group, **theirs)
    until(lambda: len(other.assigned) == 4, "the other has everything")

    async def scenario() -> None:
        ours = Reader(
            consumer(
                broker, topic, group=group, group_protocol=protocol, partition_assignment_strategy=(strategy,)
            )
        )
        await come_to(lambda: len(ours.assigned) == 2 and len(other.assigned) == 2, "two share")
        await asyncio.to_thread(other.leave)
        await come_to(lambda: len(ours.assigned) == 4, "ours leads now, and has everything")
        late = await asyncio.to_thread(Member, broker, topic, group, **theirs)
        await come_to(lambda: len(ours.assigned) == 2 and len(late.assigned) == 2, "ours shares with another")
        fill(broker, topic, 4, range(100))
        await come_to(lambda: sorted(ours.values + late.values) == list(range(100)), "all is read, once")
        await ours.leave()
        await asyncio.to_thread(late.leave)

    run(scenario)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pattern_finds_topics_that_come_later(broker: Broker, protocol: str) -> None:
    first = broker.topic(1)
    fill(broker, first, 1, range(5))

    async def scenario() -> None:
        async with consumer(
            broker, group=f"pattern-{first}", group_protocol=protocol, metadata_max_age_ms=500
        ) as reader:
            reader.subscribe(pattern=f"{first}(-more)?")
            assert sorted(await values(reader, 5)) == list(range(5))
            await asyncio.to_thread(create, broker, f"{first}-more")
            await asyncio.to_thread(fill, broker, f"{first}-more", 1, range(5, 10))
            assert sorted(await values(reader, 5)) == list(range(5, 10))
            assert {topic for topic, _ in reader.assignment} == {first, f"{first}-more"}

    run(scenario)


def create(broker: Broker, name: str) -> None:
    confluent = pytest.importorskip("confluent_kafka.admin")
    admin = confluent.AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([confluent.NewTopic(name, 1, 1)])[name].result(SECONDS)


class Notes(RebalanceListener):
    """Notes what comes and goes, and what was committed when it went."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    async def on_assigned(self, partitions: Set[TopicPartition]) -> None:
        self.events.append(("assigned", len(partitions)))

    async def on_revoked(self, partitions: Set[TopicPartition]) -> None:
        self.events.append(("revoked", len(partitions)))

    async def on_lost(self, partitions: Set[TopicPartition]) -> None:
        self.events.append(("lost", len(partitions)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_listener_hears_of_it_and_auto_commit_comes_before(broker: Broker, protocol: str) -> None:
    topic = broker.topic(2)
    fill(broker, topic, 2, range(10))
    notes = Notes()

    async def scenario() -> None:
        reader = consumer(broker, topic, group=f"heard-{topic}", group_protocol=protocol, listener=notes)
        async with reader:
            assert len(await values(reader, 10)) == 10
        assert notes.events[-1] == ("revoked", 2)
        assert sum(count for what, count in notes.events if what == "assigned") == 2
        async with consumer(broker, group=f"heard-{topic}") as other:
            stored = await other.committed((topic, 0), (topic, 1))
            assert [each.offset if each else None for each in stored.values()] == [5, 5]

    run(scenario)


def test_a_static_member_comes_back_to_what_it_had(broker: Broker) -> None:
    topic = broker.topic(4)
    group = f"static-{topic}"

    async def scenario() -> None:
        first = Reader(consumer(broker, topic, group=group, group_instance_id="one"))
        second = Reader(consumer(broker, topic, group=group, group_instance_id="two"))
        await come_to(lambda: len(first.assigned) == len(second.assigned) == 2, "two share")
        had, generation = second.assigned, first.consumer.generation
        await second.leave()
        again = Reader(consumer(broker, topic, group=group, group_instance_id="two"))
        await come_to(lambda: again.assigned == had, "it has what it had")
        assert generation is not None
        assert first.consumer.generation is not None
        assert first.consumer.generation.id == generation.id, "and nobody else was disturbed"
        await first.leave()
        await again.leave()

    run(scenario)


def test_who_does_not_poll_leaves_and_its_commit_is_refused(broker: Broker) -> None:
    topic = broker.topic(1)
    fill(broker, topic, 1, range(3))
    group, notes = f"idle-{topic}", Notes()

    async def scenario() -> None:
        idle = consumer(broker, topic, group=group, max_poll_interval_ms=6_000, listener=notes)
        async with idle:
            assert await values(idle, 3) == [0, 1, 2]
            await come_to(lambda: idle.generation is None, "it is not counted as a member any more")
            other = Reader(consumer(broker, topic, group=group, enable_auto_commit=False))
            await come_to(lambda: len(other.assigned) == 1, "its partition is another's")
            with pytest.raises(CommitRefused):
                await idle.commit()
            await other.leave()
            assert await values(idle, 3) == [0, 1, 2], "it joins again, and begins where the group is"
            assert ("lost", 1) in notes.events

    run(scenario)


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_aborted_records_are_shown_to_those_who_ask_for_them(broker: Broker, isolation: str) -> None:
    topic = broker.topic(1)
    producer = pytest.importorskip("confluent_kafka").Producer(
        {"bootstrap.servers": broker.bootstrap, "transactional.id": f"tx-{topic}"}
    )
    producer.init_transactions(SECONDS)
    for value, kept in ((1, True), (2, False), (3, True)):
        producer.begin_transaction()
        producer.produce(topic, value=b"%d" % value)
        producer.flush(SECONDS)
        if kept:
            producer.commit_transaction(SECONDS)
        else:
            producer.abort_transaction(SECONDS)
    expected = [1, 3] if isolation == "read_committed" else [1, 2, 3]

    async def scenario() -> None:
        async with consumer(broker, group=None, isolation_level=isolation) as reader:
            reader.assign([(topic, 0)])
            assert await values(reader, len(expected)) == expected

    run(scenario)


def test_seeking_pausing_and_columns(broker: Broker) -> None:
    topic = broker.topic(2)
    fill(broker, topic, 2, range(20))

    async def scenario() -> None:
        async with consumer(broker, group=None) as reader:
            reader.assign({(topic, 0): 4, (topic, 1): 0})
            reader.pause((topic, 1))
            assert await values(reader, 6) == [8, 10, 12, 14, 16, 18]
            assert await reader.poll(300) == []
            reader.resume((topic, 1))
            async for batch in reader.batches():
                assert (batch.topic, batch.partition) == (topic, 1)
                assert batch.offsets == list(range(10))
                assert batch.values == [b"%d" % value for value in range(1, 20, 2)]
                assert batch.keys == [b"k"] * 10
                assert batch.next_offset == batch.high_watermark == 10
                break
            reader.seek(topic, 1, 9)
            assert await values(reader, 1) == [19]
            reader.seek_to_beginning((topic, 1))
            assert await reader.position(topic, 1) == 0
            reader.seek_to_end()
            assert [await reader.position(topic, index) for index in (0, 1)] == [10, 10]
            reader.seek_to_time(0, (topic, 0))
            assert await reader.position(topic, 0) == 0

    run(scenario)


def test_a_position_nobody_can_read_from_is_told(broker: Broker) -> None:
    topic = broker.topic(1)

    async def scenario() -> None:
        async with Consumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none") as reader:
            reader.assign({(topic, 0): 99})
            with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE"):
                await values(reader, 1)

    run(scenario)
