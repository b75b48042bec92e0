"""The cluster: bootstrap, metadata, leaders, trying again."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.errors import NoBroker
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.metadata import MetadataRequest
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, metadata


def cluster(world: ScriptedWorld, *servers: int, **settings: int) -> Cluster:
    addresses = tuple(address for address in world.network.brokers if int(address.host[6:]) in servers)
    return Cluster(world.doors, ConnectionSettings(bootstrap_servers=addresses, **settings))  # type: ignore[arg-type]


def test_any_bootstrap_server_leads_to_the_cluster() -> None:
    world = ScriptedWorld()
    one, two = world.broker(1), world.broker(2)
    one.up = False
    two.answers[MetadataRequest] = metadata([one, two], {"a": [1]})

    async def scenario() -> None:
        async with cluster(world, 1, 2) as found:
            assert found.view.cluster_id == "scripted"
            assert sorted(found.view.nodes) == [1, 2]

    world.run(scenario())


@pytest.mark.parametrize("losses", [1, 2])
def test_a_connection_that_breaks_under_a_question_is_opened_once_more(losses: int) -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    answer = metadata([broker], {"a": [1]})
    left = [losses]

    def losing(request: MetadataRequest) -> Any:
        left[0] -= 1
        return ScriptedBroker.LOSE if left[0] >= 0 else answer(request)

    broker.answers[MetadataRequest] = losing

    async def scenario() -> None:
        if losses == 1:
            async with cluster(world, 1) as found:
                assert sorted(found.view.nodes) == [1]
        else:
            with pytest.raises(NoBroker):
                await cluster(world, 1).connect()
        assert len(broker.asked_for(MetadataRequest)) == 2

    world.run(scenario())


def test_no_broker_at_all_names_each_and_why_at_once() -> None:
    world = ScriptedWorld()
    for node_id in (1, 2):
        world.broker(node_id).up = False

    async def scenario() -> None:
        began = world.clock.now()
        with pytest.raises(NoBroker) as raised:
            await cluster(world, 1, 2).connect()
        assert "broker1:9092: connection refused" in str(raised.value)
        assert "broker2:9092: connection refused" in str(raised.value)
        assert world.clock.now() == began

    world.run(scenario())


def test_a_missing_topic_is_told_at_once_unless_it_may_be_created() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    topics: dict[str, list[int]] = {}
    broker.answers[MetadataRequest] = metadata([broker], topics)

    async def scenario() -> None:
        async with cluster(world, 1) as found:
            began = world.clock.now()
            with pytest.raises(KafkaError) as raised:
                await found.topic("a")
            assert raised.value.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert world.clock.now() == began

            world.clock.call_at(began + 1_000, lambda: topics.update(a=[1]))
            view = await found.topic("a", create=True)
            assert list(view.partitions) == [0]
            assert 1_000 <= world.clock.now() - began < 2_500
            assert broker.asked_for(MetadataRequest)[-1].allow_auto_topic_creation

    world.run(scenario())


def test_a_leader_is_awaited_until_there_is_one() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    topics = {"a": [-1]}
    broker.answers[MetadataRequest] = metadata([broker], topics)

    async def scenario() -> None:
        async with cluster(world, 1) as found:
            world.clock.call_at(world.clock.now() + 700, lambda: topics.update(a=[1]))
            assert await found.leader("a", 0) == 1

    world.run(scenario())


def test_a_partition_that_never_gets_a_leader_ends_in_time() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[MetadataRequest] = metadata([broker], {"a": [-1]})

    async def scenario() -> None:
        async with cluster(world, 1) as found:
            began = world.clock.now()
            with pytest.raises(KafkaError, match="LEADER_NOT_AVAILABLE"):
                await found.leader("a", 0, timeout=10_000)
            assert 8_000 <= world.clock.now() - began <= 10_000

    world.run(scenario())


def test_those_who_ask_at_once_share_one_connection() -> None:
    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[MetadataRequest] = metadata([broker], {"a": [1]})

    async def scenario() -> None:
        async with cluster(world, 1) as found:
            tasks = [world.clock.spawn(found.refresh(None), name="ask") for _ in range(5)]
            for task in tasks:
                await task
            assert world.network.connections == 1

    world.run(scenario())
