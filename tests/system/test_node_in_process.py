"""Whole nodes inside this process: start, serve, stop, start again on the same directories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.formatting.format import format_storage
from ottla.broker.formatting.options import FormatOptions
from ottla.broker.node import Node, NotFormatted
from ottla.broker.storage.opening import DirectoryRefused
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopic,
)
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from ottla.core.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from ottla.core.wire.messages.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse
from ottla.core.wire.messages.fetch import FetchResponse
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataResponse
from ottla.core.wire.messages.produce import ProduceResponse
from ottla.world.real import real_world
from tests.unit.broker.bench import Client, batch
from tests.unit.broker.test_produce_fetch import fetch, produce, put, values

CLUSTER = "4L6g3nShT-eMCtK--X86sw"


def settings_of(path: Path, *directories: str, **more: str) -> NodeSettings:
    dirs = ",".join(str(path / each) for each in directories or ("data",))
    return NodeSettings(
        {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": "127.0.0.1:19093",
            "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
            "log.dirs": dirs,
            **{key.replace("_", "."): value for key, value in more.items()},
        }
    )


class Running:
    """A node and its clients."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.clients: list[Client] = []

    async def client(self, listener: str = "PLAINTEXT") -> Client:
        address = self.node.bound_addresses[listener]
        self.clients.append(Client(*await asyncio.open_connection(address.host, address.port)))
        return self.clients[-1]

    async def stop(self) -> None:
        for client in self.clients:
            client.close()
        await self.node.stop()
        self.node.world.disk.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)


async def start(settings: NodeSettings) -> Running:
    world = real_world()
    if not world.disk.exists(f"{settings.log_dirs[0]}/meta.properties"):
        options = FormatOptions(CLUSTER, standalone=True)
        format_storage(settings, world.disk, world.chance, options, wall=world.clock.wall)
    node = Node(settings, world)
    await node.start()
    return Running(node)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


async def create(client: Client, name: str, partitions: int = 1) -> None:
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)]
    )
    answer = await client.ask(request, CreateTopicsResponse, 7)
    assert answer.topics[0].error_code == 0, answer.topics[0].error_message


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path))
        client = await running.client()
        await create(client, "orders", 3)
        for index in range(3):
            await put(client, "orders", b"%d" % index, partition=index)
        await running.stop()
        assert (tmp_path / "data" / ".kafka_cleanshutdown").exists()
        again = await start(settings_of(tmp_path))
        client = await again.client()
        for index in range(3):
            found = await client.ask(fetch("orders", partition=index), FetchResponse, 12)
            assert values(found.responses[0].partitions[0]) == [b"%d" % index]
        described = await client.ask(MetadataRequest(topics=None), MetadataResponse, 12)
        assert [each.leader_id for each in described.topics[0].partitions] == [1, 1, 1]
        assert (await put(client, "orders", b"more")).base_offset == 1
        await again.stop()

    run(scenario)


def test_two_nodes_of_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, two = await start(settings_of(tmp_path, "one")), await start(settings_of(tmp_path, "two"))
        await create(await one.client(), "only-here")
        answer = await (await two.client()).ask(MetadataRequest(topics=None), MetadataResponse, 12)
        assert answer.topics == []
        assert answer.brokers[0].port == two.node.bound_addresses["PLAINTEXT"].port
        await one.stop()
        await two.stop()

    run(scenario)


def test_a_deleted_topic_is_gone_and_its_name_is_free(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path))
        client, parked = await running.client(), await running.client()
        await create(client, "orders")
        await put(client, "orders", b"old")
        parked.send(fetch("orders", 1, max_wait_ms=20_000), 12)
        await asyncio.sleep(0.02)
        answer = await client.ask(
            DeleteTopicsRequest(topics=[DeleteTopicState(name="orders")], timeout_ms=10_000),
            DeleteTopicsResponse,
            6,
        )
        assert answer.responses[0].error_code == 0
        woken = await parked.receive(FetchResponse, 12)
        assert woken.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await create(client, "orders")
        assert (await put(client, "orders", b"new")).base_offset == 0
        await running.stop()
        names = [each.name for each in (tmp_path / "data").iterdir() if each.name.startswith("orders-0")]
        assert "orders-0" in names

    run(scenario)


def test_dynamic_configs_take_effect_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path))
        client = await running.client()
        await create(client, "orders")

        async def alter(kind: int, name: str, key: str, value: str) -> int:
            change = AlterableConfig(name=key, value=value)
            resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=[change])
            request = IncrementalAlterConfigsRequest(resources=[resource])
            answer = await client.ask(request, IncrementalAlterConfigsResponse, 1)
            return answer.responses[0].error_code

        assert await alter(2, "orders", "max.message.bytes", "100") == 0
        assert (await put(client, "orders", b"x" * 200)).error_code == ErrorCode.MESSAGE_TOO_LARGE
        assert await alter(2, "orders", "max.message.bytes", "1000") == 0
        assert (await put(client, "orders", b"x" * 200)).error_code == 0
        await create(client, "plain")
        assert await alter(4, "", "message.max.bytes", "150") == 0
        assert (await put(client, "plain", b"x" * 200)).error_code == ErrorCode.MESSAGE_TOO_LARGE
        assert (await put(client, "orders", b"x" * 200)).error_code == 0
        assert await alter(2, "orders", "max.message.bytes", "many") == ErrorCode.INVALID_CONFIG
        await running.stop()

    run(scenario)


def test_cordoned_directories_take_no_new_logs(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path, "one", "two", cordoned_log_dirs=str(tmp_path / "one")))
        client = await running.client()
        await create(client, "orders", 3)
        assert not list((tmp_path / "one").glob("orders-*"))
        resource = AlterConfigsResource(
            resource_type=4,
            resource_name="1",
            configs=[AlterableConfig(name="cordoned.log.dirs", value=str(tmp_path / "two"))],
        )
        request = IncrementalAlterConfigsRequest(resources=[resource])
        answer = await client.ask(request, IncrementalAlterConfigsResponse, 1)
        assert answer.responses[0].error_code == 0, answer.responses[0].error_message
        await create(client, "bills", 3)
        assert len(list((tmp_path / "one").glob("bills-*"))) == 3
        await running.stop()

    run(scenario)


def test_a_replica_moves_to_another_directory_while_it_is_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path, "one", "two"))
        client = await running.client()
        await create(client, "orders")
        await put(client, "orders", b"before")

        async def home() -> str:
            found = await client.ask(DescribeLogDirsRequest(topics=None), DescribeLogDirsResponse, 4)
            (only,) = [each.log_dir for each in found.results if each.topics]
            return only

        first = await home()
        other = str(tmp_path / ("two" if first.endswith("one") else "one"))
        topics = [AlterReplicaLogDirTopic(name="orders", partitions=[0, 5])]
        request = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=other, topics=topics)])
        answer = await client.ask(request, AlterReplicaLogDirsResponse, 2)
        codes = [each.error_code for each in answer.results[0].partitions]
        assert codes == [0, ErrorCode.REPLICA_NOT_AVAILABLE]
        count = 1
        while running.node.services.store.futures():
            assert (await put(client, "orders", b"during")).base_offset == count
            count += 1
        assert await home() == other
        assert (await put(client, "orders", b"after")).base_offset == count
        found = await client.ask(fetch("orders"), FetchResponse, 12)
        assert values(found.responses[0].partitions[0]) == [b"before", *[b"during"] * (count - 1), b"after"]
        directory = next(each for each in running.node.services.store.directories if each.path == other)
        while running.node.quorum.image.topics_by_name["orders"].partitions[0].directories != [directory.id]:
            await asyncio.sleep(0.005)
        nowhere = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path="/nowhere", topics=topics)])
        answer = await client.ask(nowhere, AlterReplicaLogDirsResponse, 2)
        assert answer.results[0].partitions[0].error_code == ErrorCode.LOG_DIR_NOT_FOUND
        await running.stop()

    run(scenario)


def test_the_controller_listener_serves_a_controllers_apis(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path))
        client = await running.client("CONTROLLER")
        asked = ApiVersionsRequest(client_software_name="probe", client_software_version="1")
        told = {each.api_key for each in (await client.ask(asked, ApiVersionsResponse, 4)).api_keys}
        assert {19, 52, 55, 62} <= told
        assert 0 not in told
        cluster = await client.ask(DescribeClusterRequest(endpoint_type=2), DescribeClusterResponse, 1)
        assert (cluster.controller_id, len(cluster.brokers)) == (1, 1)
        client.send(produce("orders", batch(b"x")), 9)
        assert await client.ended()
        await running.stop()

    run(scenario)


def test_a_node_that_cannot_start_lets_go_of_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = settings_of(tmp_path)
        with pytest.raises(NotFormatted, match="storage format"):
            await Node(settings, real_world()).start()
        running = await start(settings)
        port = running.node.bound_addresses["PLAINTEXT"].port
        taken = {"listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:0"}
        with pytest.raises(DirectoryRefused, match="in use by another process"):  # the cause, not the port
            await Node(settings_of(tmp_path, **taken), real_world()).start()
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            await start(settings_of(tmp_path, "other", **taken))
        await running.stop()
        again = await start(settings)
        await again.stop()
        other = await start(settings_of(tmp_path, "other"))
        await other.stop()

    run(scenario)


def test_stopping_answers_what_is_under_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        running = await start(settings_of(tmp_path, log_flush_interval_messages="1"))
        client = await running.client()
        await create(client, "orders")
        client.send(produce("orders", batch(b"last")), 9)
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(running.node.stop())
        answer = await client.receive(ProduceResponse, 9)
        assert answer.responses[0].partition_responses[0].error_code in (0, ErrorCode.NOT_LEADER_OR_FOLLOWER)
        await stopping
        client.close()
        await asyncio.sleep(0.01)

    run(scenario)
