"""Stories of one node that are too rare to wait for: told step by step in a simulated world."""

from __future__ import annotations

import errno

from ottla.client.connection import BrokerConnection
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.sim.node import PORT, SimNode
from ottla.sim.universe import Universe
from ottla.world.doors import Address


class Teller:
    """A world with one node and one client."""

    def __init__(self, seed: int = 1) -> None:
        self.universe = Universe(seed)
        self.node = SimNode(self.universe, 1)
        self.process, self.world = self.universe.machine("client").process("client")

    async def ask(self, request: Body, response: type[Body]) -> Body:
        """On a connection of its own."""

        async def call() -> Body:
            connection = BrokerConnection(self.world, Address("node-1", PORT), ConnectionSettings())
            await connection.open()
            try:
                return await connection.call(request, response, newest=12 if request.wire.key == 0 else None)
            finally:
                connection.close()

        return await self.universe.begin(self.process, call())

    async def create(self, name: str) -> Uuid:
        topic = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
        answer = await self.ask(CreateTopicsRequest(topics=[topic]), CreateTopicsResponse)
        assert not answer.topics[0].error_code
        return answer.topics[0].topic_id

    async def produce(self, name: str, value: bytes) -> int:
        """The error code."""
        data = PartitionProduceData(index=0, records=build([Record(0, 1, b"k", value)]))
        topic = TopicProduceData(name=name, partition_data=[data])
        answer = await self.ask(ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[topic]), ProduceResponse)
        return answer.responses[0].partition_responses[0].error_code

    async def end(self, name: str) -> int:
        topic = ListOffsetsTopic(name=name, partitions=[ListOffsetsPartition(timestamp=-1)])
        answer = await self.ask(ListOffsetsRequest(replica_id=-1, topics=[topic]), ListOffsetsResponse)
        return answer.topics[0].partitions[0].offset


def test_the_records_of_a_deleted_topic_never_appear_in_a_later_one_of_its_name() -> None:
    """A power cut undoes the deletion of the directory and tears the file that says whose it was."""
    teller = Teller()

    async def story() -> None:
        await teller.node.format()
        await teller.node.start()
        await teller.create("orders")
        for value in (b"old", b"older"):
            assert await teller.produce("orders", value) == ErrorCode.NONE
        teller.node.kill()
        inode = teller.node.machine.volume.inode("/data/orders-0/partition.metadata")
        inode.truncate(0)
        await teller.node.start()
        assert await teller.end("orders") == 0
        names = teller.node.machine.volume.directory("/data").entries
        assert any(name.startswith("orders-0.") and name.endswith("-stray") for name in names)

    teller.universe.run(story(), within_ms=60_000)


def test_a_topic_that_was_created_on_a_full_disk_works_once_there_is_room() -> None:
    teller = Teller()

    async def story() -> None:
        await teller.node.format()
        await teller.node.start()
        teller.node.machine.volume.fail_next = ("create", errno.ENOSPC)
        await teller.create("orders")
        assert await teller.produce("orders", b"too early") == ErrorCode.KAFKA_STORAGE_ERROR
        await teller.universe.clock.sleep(2_000)
        assert await teller.produce("orders", b"in time") == ErrorCode.NONE

    teller.universe.run(story(), within_ms=60_000)
