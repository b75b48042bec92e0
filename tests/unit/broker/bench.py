"""A broker on real sockets and a real directory, without a quorum: a stand-in writes the metadata at once.

For tests of handlers, router and listener. Requests travel as frames, so every byte goes through the codec.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ottla.broker.apis import HANDLERS
from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.context import Context
from ottla.broker.coordination.kinds import Coordinators
from ottla.broker.listener import BrokerListener, Limits
from ottla.broker.memory import RequestMemory
from ottla.broker.partitions import Partitions
from ottla.broker.producer_ids import ProducerIds
from ottla.broker.router import Handler, Router
from ottla.broker.services import Services
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.store import LogStore
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import BrokerImage, MetadataImage, PartitionImage, TopicImage
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.apis import API, ApiKey, ListenerRole, VersionRange
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import RequestHeader
from ottla.core.wire.messages.allocate_producer_ids import AllocateProducerIdsResponse
from ottla.core.wire.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.world.real import real_world

B = TypeVar("B", bound=Body)


class Metadata:
    """The image, and a controller that obeys at once."""

    def __init__(self) -> None:
        self.image = MetadataImage()
        self.image.features = {"metadata.version": 30}
        self.image.offset = 7
        self.follow: Callable[[MetadataImage, Delta], None] = lambda image, delta: None
        self.next_producer_id = 0

    async def request(self, context: Context, key: ApiKey, request: Body) -> Body:
        if key is ApiKey.ALLOCATE_PRODUCER_IDS:
            start, self.next_producer_id = self.next_producer_id, self.next_producer_id + 1000
            return AllocateProducerIdsResponse(producer_id_start=start, producer_id_len=1000)
        assert isinstance(request, CreateTopicsRequest)
        response = CreateTopicsResponse()
        for topic in request.topics:
            try:
                check_topic_name(topic.name)
            except KafkaError as error:
                response.topics.append(CreatableTopicResult(name=topic.name, error_code=error.code))
                continue
            made = self.create(topic.name, max(topic.num_partitions, 1))
            response.topics.append(CreatableTopicResult(name=topic.name, topic_id=made.id))
        return response

    def create(self, name: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> TopicImage:
        topic_id = Uuid(name.encode()[:16].ljust(16, b"."))
        topic = TopicImage(name, topic_id)
        for index in range(partitions):
            topic.partitions[index] = PartitionImage(
                replicas=[1], isr=[1], directories=[Uuid(bytes(15) + b"\2")], leader=1
            )
        self.image.topics_by_name[name] = self.image.topics_by_id[topic_id] = topic
        if configs:
            self.image.configs[2, name] = dict(configs)
        changed = {(topic_id, index): name for index in topic.partitions}
        self.follow(self.image, Delta(created_topics={topic_id: name}, changed_partitions=changed))
        return topic

    def delete(self, name: str) -> None:
        topic = self.image.topics_by_name.pop(name)
        del self.image.topics_by_id[topic.id]
        self.follow(self.image, Delta(deleted_topics={topic.id: name}))

    def configure(self, name: str, configs: Mapping[str, str]) -> None:
        self.image.configs[2, name] = dict(configs)
        self.follow(self.image, Delta(changed_configs={(2, name): None}))


class Bench:
    """Node 1, started by `open`."""

    def __init__(
        self,
        path: Path,
        properties: Mapping[str, str] | None = None,
        handlers: Mapping[ApiKey, Handler | str] = HANDLERS,
    ) -> None:
        self.world = real_world()
        self.settings = NodeSettings(
            {
                "process.roles": "broker,controller",
                "node.id": "1",
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.voters": "1@127.0.0.1:19093",
                "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19093",
                "log.dirs": str(path),
                **(properties or {}),
            }
        )
        self.metadata = Metadata()
        self.services = Services(self.world, self.settings, "bench-cluster")
        self.services.metadata = self.metadata
        self.services.controller = self.metadata
        self.services.producer_ids = ProducerIds(self.world.clock, self.metadata, 1, 0)
        store = self.services.store = LogStore(self.world.disk, self.world.clock, self.world.chance)
        store.directories = [
            LogDirectory(
                str(path),
                Uuid(bytes(15) + b"\x09"),
                disk=self.world.disk,
                clock=self.world.clock,
                chance=self.world.chance,
            )
        ]
        self.partitions = self.services.partitions = Partitions(
            1, self.world.clock, self.settings, store, self.services.metrics
        )
        self.coordinators = Coordinators(self.services)
        self.metadata.follow = self._follow
        self.metadata.image.brokers[1] = BrokerImage(1, 5, Uuid(bytes(16)), {}, fenced=False)
        self.services.advertised[ListenerRole.BROKER] = [
            VersionRange(key, API[key].advertised_min, API[key].max_stable_version)
            for key in sorted(handlers)
        ]
        self.memory = RequestMemory(self.settings["queued.max.request.bytes"])
        self.listener = BrokerListener(
            "PLAINTEXT",
            ListenerRole.BROKER,
            "PLAINTEXT",
            Router(self.services, handlers),
            self.world.clock,
            self.memory,
            self.services.metrics.listener("PLAINTEXT"),
            Limits(),
        )

        self.clients: list[Client] = []

    def _follow(self, image: MetadataImage, delta: Delta) -> None:
        self.partitions.follow(image, delta)
        self.coordinators.follow(image, delta)

    async def open(self) -> Bench:
        address = await self.listener.bind(self.world.network, "127.0.0.1", 0)
        self.listener.serve()
        self.port = address.port
        return self

    async def close(self) -> None:
        for client in self.clients:
            client.close()
        self.listener.stop_accepting()
        self.listener.abort_connections()
        self.services.deadlines.close()
        self.services.store.abandon()
        await asyncio.sleep(0.01)

    async def client(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(Client(reader, writer))
        return self.clients[-1]


class Client:
    """A connection that speaks in declared messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.correlation_id = 0

    def send(self, request: Body, version: int, client_id: str | None = "bench") -> None:
        key = request.wire.key
        assert key is not None
        self.correlation_id += 1
        first_flexible = API[ApiKey(key)].first_flexible
        header = RequestHeader(key, version, self.correlation_id, client_id)
        head = encode(header, 2 if first_flexible is not None and version >= first_flexible else 1)
        body = encode(request, version)
        self.writer.write(struct.pack(">i", len(head) + len(body)) + head + body)

    async def receive(self, cls: type[B], version: int) -> B:
        data = await self.receive_bytes()
        key = cls.wire.key
        assert key is not None
        first_flexible = API[ApiKey(key)].first_flexible
        flexible = first_flexible is not None and version >= first_flexible and key != ApiKey.API_VERSIONS
        return decode(cls, data, version, 5 if flexible else 4)

    async def receive_bytes(self) -> bytes:
        (size,) = struct.unpack(">i", await self.reader.readexactly(4))
        return await self.reader.readexactly(size)

    async def ask(self, request: Body, cls: type[B], version: int) -> B:
        self.send(request, version)
        return await self.receive(cls, version)

    async def ended(self) -> bool:
        """Wait for the broker to close the connection."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.close()


def on_bench(
    path: Path,
    scenario: Callable[[Bench], Coroutine[Any, Any, None]],
    properties: Mapping[str, str] | None = None,
    handlers: Mapping[ApiKey, Handler | str] = HANDLERS,
) -> None:
    """Run a scenario against a fresh bench."""

    async def inside() -> None:
        bench = await Bench(path, properties, handlers).open()
        try:
            await asyncio.wait_for(scenario(bench), 30)
        finally:
            await bench.close()

    asyncio.run(inside())


def batch(*values: bytes, timestamp: int = 1_700_000_000_000, **options: Any) -> bytes:
    """One record batch of these values, with timestamps a millisecond apart."""
    records = [Record(index, timestamp + index, None, value, []) for index, value in enumerate(values)]
    return build(records, **options)
