"""aiokafka's admin client, which answers with the protocol's own messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.conformance.test_aiokafka import SAMPLES, read, run, send
from tests.nodes import CLUSTER_ID
from tests.samples import SECONDS

admin_api = pytest.importorskip("aiokafka.admin")
errors = pytest.importorskip("aiokafka.errors")

CLIENT = "aiokafka"


def administer(broker: Broker, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    async def whole() -> Any:
        client = admin_api.AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await client.start()
        try:
            return await work(client)
        finally:
            await client.close()

    return run(whole())


async def create(admin: Any, name: str, partitions: int = 1, configs: dict[str, str] | None = None) -> Any:
    """Ask for a topic; the class of the error that came, or None."""
    new = admin_api.NewTopic(name, partitions, 1, topic_configs=configs or {})
    answer = await admin.create_topics([new])
    [(_, code, *_)] = answer.topic_errors
    return errors.for_code(code) if code else None


async def config(admin: Any, name: str, key: str) -> str:
    asked = admin_api.config_resource.ConfigResource(
        admin_api.config_resource.ConfigResourceType.TOPIC, name, {key: None}
    )
    [answer] = await admin.describe_configs([asked])
    [(code, _, _, _, [entry])] = answer.resources
    assert (code, entry[0]) == (0, key)
    return str(entry[1])


async def partitions(admin: Any, name: str) -> list[Any]:
    [described] = await admin.describe_topics([name])
    found: list[Any] = described["partitions"]
    return sorted(found, key=lambda each: int(each["partition"]))


@covers(CLIENT, "create-topic", "describe-topic", "add-partitions", "delete-topic")
def test_a_topic_from_birth_to_death(broker: Broker) -> None:
    name = broker.name()

    async def work(admin: Any) -> None:
        assert await create(admin, name, 3, {"retention.ms": "1234567"}) is None
        assert await config(admin, name, "retention.ms") == "1234567"
        shown = [
            (each["partition"], each["leader"], each["replicas"], each["isr"])
            for each in await partitions(admin, name)
        ]
        assert shown == [(number, 1, [1], [1]) for number in range(3)]
        await admin.create_partitions({name: admin_api.NewPartitions(5)})
        await becomes(lambda: counted(admin, name), 5)
        await admin.delete_topics([name])
        await becomes(lambda: listed(admin, name), False)

    administer(broker, work)


async def counted(admin: Any, name: str) -> int:
    return len(await partitions(admin, name))


async def listed(admin: Any, name: str) -> bool:
    return name in await admin.list_topics()


async def becomes(ask: Callable[[], Coroutine[Any, Any, Any]], wanted: Any) -> None:
    """A broker shows a change a moment after the controller agreed to it."""
    deadline = time.monotonic() + SECONDS
    while (got := await ask()) != wanted:
        assert time.monotonic() < deadline, got
        await asyncio.sleep(0.02)


@covers(CLIENT, "alter-config")
def test_settings_are_replaced_as_a_whole(broker: Broker, topic: str) -> None:
    async def work(admin: Any) -> None:
        for configs, wanted in (({"max.message.bytes": "5000"}, "5000"), ({"segment.ms": "5000"}, "1048588")):
            kind = admin_api.config_resource.ConfigResourceType.TOPIC
            await admin.alter_configs([admin_api.config_resource.ConfigResource(kind, topic, configs)])
            await becomes(lambda: config(admin, topic, "max.message.bytes"), wanted)

    administer(broker, work)


@covers(CLIENT, "delete-records")
def test_deletes_records(broker: Broker, topic: str) -> None:
    partition = admin_api.client.TopicPartition(topic, 0)

    async def work(admin: Any) -> dict[Any, int]:
        before = admin_api.records_to_delete.RecordsToDelete
        with pytest.raises(errors.OffsetOutOfRangeError):
            await admin.delete_records({partition: before(1000)})
        found: dict[Any, int] = await admin.delete_records({partition: before(7)})
        return found

    async def first(client: Any, _: Any) -> int:
        return int((await client.getone()).offset)

    run(send(broker, topic, SAMPLES[:20]))
    assert administer(broker, work) == {partition: 7}
    assert run(read(broker, topic, first)) == 7


@covers(CLIENT, "describe-cluster")
def test_describes_the_cluster(broker: Broker) -> None:
    async def work(admin: Any) -> Any:
        return await admin.describe_cluster()

    cluster = administer(broker, work)
    assert (cluster["cluster_id"], cluster["controller_id"]) == (CLUSTER_ID, 1)
    assert [f"{each['host']}:{each['port']}" for each in cluster["brokers"]] == [broker.bootstrap]


@covers(CLIENT, "invalid-config", "topic-exists", "partition-count", "unknown-topic")
def test_refusals_are_told(broker: Broker, topic: str) -> None:
    async def work(admin: Any) -> None:
        new = broker.name()
        for wrong in ({"retention.ms": "soon"}, {"no.such.setting": "1"}):
            assert await create(admin, new, configs=wrong) is errors.InvalidConfigurationError
        assert await create(admin, new, 0) is errors.InvalidPartitionsError
        assert await create(admin, topic) is errors.TopicAlreadyExistsError
        with pytest.raises(errors.InvalidPartitionsError):
            await admin.create_partitions({topic: admin_api.NewPartitions(1)})
        answer = await admin.delete_topics([new])
        assert [each[1] for each in answer.topic_error_codes] == [errors.UnknownTopicOrPartitionError.errno]

    administer(broker, work)
