"""A scripted cluster in memory: virtual time, brokers that answer what a test tells them to.

    world = ScriptedWorld()
    broker = world.broker(1)
    broker.answers[MetadataRequest] = lambda request: MetadataResponse(...)
    world.run(scenario())

Time stands still while anything can run, then jumps to the next timer: a test of thirty seconds takes none.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ottla.core.model.ids import Uuid
from ottla.core.model.parts import Part
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.frames import FrameReader
from ottla.core.wire.headers import ResponseHeader, header_versions, opening, read_request_header
from ottla.core.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from ottla.core.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ottla.world.doors import Address, Session, World

IDLE_TURNS = 200
"""Turns of the loop before time may jump: more than the longest chain of wake-ups takes."""

PORT = 9092


class VirtualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Time that moves only when nothing else does."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self._timers: list[tuple[int, int, VirtualTimer]] = []
        self._count = 0

    def now(self) -> int:
        return self.ms

    def micros(self) -> int:
        return self.ms * 1000

    def wall(self) -> int:
        return 1_700_000_000_000 + self.ms

    def call_at(self, when: int, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        return timer

    def call_soon(self, callback: Callable[[], None]) -> VirtualTimer:
        return self.call_at(self.ms, callback)

    async def sleep(self, ms: int) -> None:
        future = self.future()
        self.call_at(self.ms + ms, lambda: future.done() or future.set_result(None))
        await future

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work, name=name)

    def future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    def jump(self) -> None:
        """To the next timer, and call it."""
        while self._timers:
            when, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                self.ms = max(self.ms, when)
                timer.callback()
                return
        raise AssertionError("everybody waits, and nothing will ever happen")


class ScriptedChance:
    """The lowest number, always."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)

    def below(self, bound: int) -> int:
        assert bound > 0
        return 0


class Wire:
    """The client's end of a connection to a scripted broker."""

    def __init__(self, broker: ScriptedBroker, session: Session) -> None:
        self.broker = broker
        self.session = session
        self.frames = FrameReader(1 << 30)
        self.peer = broker.address
        self.local = Address("client", 1)
        self.unsent = 0
        self.closed = False

    def send(self, parts: Sequence[Part]) -> None:
        data = b"".join(bytes(part) for part in parts if isinstance(part, (bytes, memoryview)))
        while data:
            room = self.frames.buffer()
            size = min(len(room), len(data))
            room[:size] = data[:size]
            data = data[size:]
            for frame in self.frames.filled(size):
                self.broker.asked(self, frame)

    def deliver(self, data: bytes) -> None:
        """Bytes from the broker to the client."""
        while data and not self.closed:
            room = self.session.buffer()
            size = min(len(room), len(data))
            room[:size] = data[:size]
            data = data[size:]
            self.session.filled(size)

    def lose(self) -> None:
        """The broker closes the connection."""
        if not self.closed:
            self.closed = True
            self.session.closed(None)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.session.closed, None)


Answer = Callable[[Any], "Body | bytes | None"]


class ScriptedBroker:
    """Answers by request class. None: no answer ever; bytes: sent as they are; LOSE: the connection ends."""

    LOSE = b"LOSE"

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.address = Address(f"broker{node_id}", PORT)
        self.answers: dict[type[Body], Answer] = {ApiVersionsRequest: lambda request: all_versions()}
        self.requests: list[Body] = []
        self.versions: list[int] = []
        self.up = True

    def asked(self, wire: Wire, frame: bytes) -> None:
        key = ApiKey(opening(frame).api_key)
        version = opening(frame).api_version
        header, offset = read_request_header(frame, key, version)
        request = decode(API[key].request, frame, version, offset)
        self.requests.append(request)
        self.versions.append(version)
        asyncio.get_running_loop().call_soon(self._answer, wire, request, key, version, header.correlation_id)

    def _answer(self, wire: Wire, request: Body, key: ApiKey, version: int, correlation_id: int) -> None:
        answer = self.answers[type(request)](request)
        if answer is None:
            return
        if isinstance(answer, bytes):
            if answer == self.LOSE:
                wire.lose()
            else:
                wire.deliver(answer)
            return
        head = encode(ResponseHeader(correlation_id), header_versions(key, version)[1])
        data = head + encode(answer, version)
        wire.deliver(len(data).to_bytes(4, "big") + data)

    def asked_for(self, kind: type[Body]) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]


class ScriptedNetwork:
    def __init__(self) -> None:
        self.brokers: dict[Address, ScriptedBroker] = {}
        self.connections = 0

    async def listen(self, host: str, port: int, accept: Callable[[], Session], *, backlog: int = 50) -> Any:
        raise AssertionError("a client listens nowhere")

    async def connect(self, host: str, port: int, session: Session, *, timeout: int = 30_000) -> Wire:
        broker = self.brokers.get(Address(host, port))
        if broker is None or not broker.up:
            raise ConnectionRefusedError(111, "Connection refused")
        self.connections += 1
        wire = Wire(broker, session)
        session.opened(wire)
        return wire


class ScriptedWorld:
    """A clock, a network and the brokers on it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.network = ScriptedNetwork()
        self.doors = World(clock=self.clock, network=self.network, disk=None, chance=ScriptedChance())  # type: ignore[arg-type]

    def broker(self, node_id: int) -> ScriptedBroker:
        broker = ScriptedBroker(node_id)
        self.network.brokers[broker.address] = broker
        return broker

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        """Run a scenario to its end, jumping over every wait."""

        async def inside() -> Any:
            task = asyncio.get_running_loop().create_task(scenario)
            while not task.done():
                for _ in range(IDLE_TURNS):
                    await asyncio.sleep(0)
                if not task.done():
                    self.clock.jump()
            return task.result()

        return asyncio.run(inside())


def all_versions() -> ApiVersionsResponse:
    """Everything that this project knows, in all stable versions."""
    keys = [
        ApiVersion(
            key, api.request.wire.versions.first, api.request.wire.versions.last - api.request.wire.unstable
        )
        for key, api in API.items()
    ]
    return ApiVersionsResponse(api_keys=keys)


def topic_id(name: str) -> Uuid:
    return Uuid(name.encode().ljust(16, b"."))


def metadata(
    brokers: Sequence[ScriptedBroker], topics: dict[str, list[int]] | None = None, *, ids: bool = True
) -> Answer:
    """Answers Metadata: `topics` names each topic's leaders, by partition (-1: none). Read anew at every request."""

    def answer(request: MetadataRequest) -> MetadataResponse:
        known = topics or {}
        names = list(known) if request.topics is None else [topic.name or "" for topic in request.topics]
        return MetadataResponse(
            brokers=[
                MetadataResponseBroker(broker.node_id, broker.address.host, broker.address.port)
                for broker in brokers
            ],
            cluster_id="scripted",
            controller_id=brokers[0].node_id,
            topics=[described(name, known[name], ids) if name in known else missing(name) for name in names],
        )

    return answer


def described(name: str, leaders: list[int], ids: bool) -> MetadataResponseTopic:
    partitions = [
        MetadataResponsePartition(
            partition_index=index,
            leader_id=leader,
            leader_epoch=1,
            replica_nodes=[leader],
            isr_nodes=[leader],
        )
        for index, leader in enumerate(leaders)
    ]
    identity = {"topic_id": topic_id(name)} if ids else {}
    return MetadataResponseTopic(name=name, partitions=partitions, **identity)


def missing(name: str) -> MetadataResponseTopic:
    return MetadataResponseTopic(error_code=3, name=name)
