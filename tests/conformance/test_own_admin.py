"""Our own Admin on whichever broker runs: every call answers per item, refusals beside what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ottla.client import ErrorCode, KafkaError
from ottla.client.admin.admin import Admin
from ottla.client.admin.configs import ConfigChange, Operation, Resource, ResourceType
from ottla.client.admin.quotas import QuotaEntity, QuotaFilter
from ottla.client.admin.topics import TO_THE_END, NewPartitions, NewTopic
from ottla.client.blocking import Producer
from ottla.client.offsets import EARLIEST, LATEST, FoundOffset
from tests.conformance.broker import Broker
from tests.waiting import until

T = TypeVar("T")


def administer(broker: Broker, work: Callable[[Admin], Awaitable[T]]) -> T:
    async def inside() -> T:
        async with Admin(bootstrap_servers=broker.bootstrap) as admin:
            return await work(admin)

    return asyncio.run(inside())


def code_of(found: object) -> ErrorCode:
    assert isinstance(found, KafkaError), found
    return found.code


def test_topics_partitions_and_records(broker: Broker) -> None:
    name, missing = broker.name(), broker.name()

    async def work(admin: Admin) -> None:
        (made,) = await admin.create_topics([NewTopic(name, 1)])
        assert made.error is None
        grown = await admin.create_partitions({name: NewPartitions(3), missing: NewPartitions(3)})
        assert grown[name] is None
        assert code_of(grown[missing]) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    administer(broker, work)
    with Producer(bootstrap_servers=broker.bootstrap) as producer:
        producer.send_batch(name, [b"x"] * 10, partition=1).result(30)

    async def trim(admin: Admin) -> None:
        wanted = {(name, 0): TO_THE_END, (name, 1): 4, (missing, 0): 1}
        starts = await admin.delete_records(wanted)
        assert (starts[name, 0], starts[name, 1]) == (0, 4)
        assert code_of(starts[missing, 0]) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert (
            code_of((await admin.delete_records({(name, 1): 99}))[name, 1]) is ErrorCode.OFFSET_OUT_OF_RANGE
        )
        first = await admin.list_offsets({(name, 1): EARLIEST, (missing, 0): EARLIEST})
        last = await admin.list_offsets({(name, 1): LATEST})
        assert isinstance(first[name, 1], FoundOffset)
        assert first[name, 1].offset == 4
        assert isinstance(last[name, 1], FoundOffset)
        assert last[name, 1].offset == 10
        assert isinstance(first[missing, 0], KafkaError)

    administer(broker, trim)


def test_configs_of_several_resources(broker: Broker, topic: str) -> None:
    mine, missing = Resource(ResourceType.TOPIC, topic), Resource(ResourceType.TOPIC, broker.name())

    async def work(admin: Admin) -> None:
        change = [
            ConfigChange("retention.ms", "7000"),
            ConfigChange("cleanup.policy", "compact", Operation.APPEND),
        ]
        done = await admin.alter_configs({mine: change, missing: change})
        assert done[mine] is None
        assert code_of(done[missing]) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        found = await admin.describe_configs([mine, missing], names=["retention.ms", "cleanup.policy"])
        assert isinstance(found[missing], KafkaError)
        entries = found[mine]
        assert not isinstance(entries, KafkaError)
        assert {each.name: each.value for each in entries} == {
            "retention.ms": "7000",
            "cleanup.policy": "delete,compact",
        }
        wrong = await admin.alter_configs({mine: [ConfigChange("no.such", "1")]}, validate_only=True)
        assert code_of(wrong[mine]) is ErrorCode.INVALID_CONFIG

    administer(broker, work)


def test_offsets_of_a_group_and_its_end(broker: Broker, topic: str) -> None:
    group, missing = broker.name(), broker.name()

    async def work(admin: Admin) -> None:
        assert (await admin.alter_group_offsets(group, {(topic, 0): 0}))[topic, 0] is None
        listed, silent = await admin.list_groups()
        assert group in {each.group_id for each in listed}
        assert not silent
        committed = (await admin.group_offsets([group, missing]))[group]
        assert not isinstance(committed, KafkaError)
        assert set(committed) == {(topic, 0)}
        described = await admin.describe_groups([group, missing])
        assert not isinstance(described[group], KafkaError)
        assert code_of(described[missing]) is ErrorCode.GROUP_ID_NOT_FOUND
        assert (await admin.delete_group_offsets(group, [(topic, 0)]))[topic, 0] is None
        gone = await admin.delete_groups([missing])
        assert code_of(gone[missing]) is ErrorCode.GROUP_ID_NOT_FOUND

    administer(broker, work)


def test_transactions_and_who_writes(broker: Broker, topic: str) -> None:
    name = broker.name()
    with (
        Producer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer,
        producer.transaction(),
    ):
        producer.send(topic, b"x")

    async def work(admin: Admin) -> None:
        listed, silent = await admin.list_transactions()
        assert name in {each.transactional_id for each in listed}
        assert not silent
        described = await admin.describe_transactions([name, name + "-no"])
        assert not isinstance(described[name], KafkaError)
        assert code_of(described[name + "-no"]) is ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        producers = (await admin.describe_producers([(topic, 0)]))[topic, 0]
        assert not isinstance(producers, KafkaError)
        assert len(producers) == 1
        assert await admin.find_hanging([(topic, 0)], older_than_ms=0) == ([], {})

    administer(broker, work)


def test_the_cluster_its_quorum_and_disks(broker: Broker, topic: str) -> None:
    async def work(admin: Admin) -> None:
        assert [each.id for each in (await admin.describe_cluster()).brokers] == [1]
        assert (await admin.describe_quorum()).leader_id == 1
        assert "metadata.version" in {each.name for each in await admin.describe_features()}
        assert (topic, 0) in await admin.partition_sizes({topic: [0]})
        assert await admin.list_reassignments() == {}

    administer(broker, work)


def test_quotas_come_and_go(broker: Broker) -> None:
    """A broker of Apache Kafka hears of a change a moment after the controller has confirmed it."""
    whom = QuotaEntity.of({"client-id": broker.name()})

    def change(rate: float | None) -> None:
        done = administer(broker, lambda admin: admin.alter_quotas({whom: {"producer_byte_rate": rate}}))
        assert done == {whom: None}

    def told() -> dict[str, float] | None:
        found = administer(broker, lambda admin: admin.describe_quotas([QuotaFilter("client-id")]))
        return found.get(whom)

    change(1000.0)
    until(lambda: told() == {"producer_byte_rate": 1000.0}, "the quota is described")
    change(None)
    until(lambda: told() is None, "the quota is gone")
