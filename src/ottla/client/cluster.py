"""The cluster as a client reaches it: one connection a node, metadata, and the way to a partition's leader.

async with Cluster(world, settings) as cluster:
    topic = await cluster.topic("orders")
    answer = await cluster.on_any(ListGroupsRequest(), ListGroupsResponse)
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar

from ottla.client.connection import BrokerConnection
from ottla.client.errors import (
    ClientClosed,
    ClientError,
    ClientTimeout,
    ConnectionFailed,
    NoBroker,
    NoSuchBroker,
)
from ottla.client.retry import backoff_ms
from ottla.client.settings import ConnectionSettings
from ottla.client.view import NO_LEADER, ClusterView, TopicView
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from ottla.world.doors import Address, World

R = TypeVar("R", bound=Body)
T = TypeVar("T")

Place: TypeAlias = "tuple[Address, int]"
"""An address, and the lane there: each lane is a connection of its own."""

SHARED_LANE: Final = 0
"""The lane of everybody whose requests are answered at once."""

MISSING: Final = frozenset(
    {ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.LEADER_NOT_AVAILABLE}
)


class Cluster:
    """Connections and metadata. Opened by `connect` or `async with`; shared by producers, consumers and admins."""

    def __init__(self, world: World, settings: ConnectionSettings) -> None:
        self.world = world
        self.settings = settings
        self.view = ClusterView()
        self._connections: dict[Place, BrokerConnection] = {}
        self._opening: dict[Place, Future[Any]] = {}
        self._lanes = 0
        self._closed = False

    async def __aenter__(self) -> Cluster:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def connect(self) -> None:
        """Find the cluster through any bootstrap server. Raises NoBroker."""
        await self.refresh(())

    def close(self) -> None:
        self._closed = True
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    # -- requests

    async def on_node(
        self,
        node_id: int,
        request: Body,
        response: type[R],
        *,
        timeout: int | None = None,
        newest: int | None = None,
        lane: int = SHARED_LANE,
    ) -> R:
        """Ask one broker. Raises ConnectionFailed, ClientTimeout, VersionMismatch."""
        connection = await self.connection(node_id, lane)
        return await connection.call(request, response, timeout=timeout, newest=newest)

    async def on_any(
        self, request: Body, response: type[R], *, timeout: int | None = None, newest: int | None = None
    ) -> R:
        """Ask whichever broker answers first, known ones before bootstrap servers. Raises NoBroker."""

        async def ask(connection: BrokerConnection) -> R:
            return await connection.call(request, response, timeout=timeout, newest=newest)

        return await self.with_any(ask)

    async def with_any(self, ask: Callable[[BrokerConnection], Awaitable[T]]) -> T:
        """As `on_any`, for questions that depend on what the broker speaks. Raises NoBroker."""
        reasons: dict[Address, str] = {}
        for address in self._addresses():
            try:
                connection = await self._connected((address, SHARED_LANE))
                try:
                    return await ask(connection)
                except ConnectionFailed:
                    # It stood a moment ago: a broker that started anew, or that closes what is idle. One more try.
                    return await ask(await self._connected((address, SHARED_LANE)))
            except (ConnectionFailed, ClientTimeout) as error:
                reasons[address] = str(error).removeprefix(f"no connection to {address}: ")
        raise NoBroker(reasons)

    async def on_controller(
        self, request: Body, response: type[R], *, timeout: int | None = None, newest: int | None = None
    ) -> R:
        """Ask the broker that speaks for the controller: any of them, in KRaft clusters, forwards to it."""
        node_id = self.view.controller_id
        if node_id not in self.view.nodes:
            return await self.on_any(request, response, timeout=timeout, newest=newest)
        return await self.on_node(node_id, request, response, timeout=timeout, newest=newest)

    def new_lane(self) -> int:
        """A lane for somebody whose requests wait at the broker (a long fetch, a join): answers come in the order of
        the requests, so on the shared lane everybody else would wait with them. Given back with `close_lane`."""
        self._lanes += 1
        return self._lanes

    def close_lane(self, lane: int) -> None:
        for place in [place for place in self._connections if place[1] == lane]:
            self._connections.pop(place).close()

    async def connection(self, node_id: int, lane: int = SHARED_LANE) -> BrokerConnection:
        """The connection to a broker, opened when there is none. Raises ConnectionFailed, ClientTimeout."""
        address = self.view.nodes.get(node_id)
        if address is None:
            await self.refresh(())
            address = self.view.nodes.get(node_id)
        if address is None:
            raise NoSuchBroker(f"the cluster has no broker {node_id} (it has {sorted(self.view.nodes)})")
        return await self._connected((address, lane))

    def _addresses(self) -> list[Address]:
        """Where to ask when any broker will do: an open connection first, then the others by chance."""
        known = list(self.view.nodes.values())
        servers = [address for address in self.settings.bootstrap_servers if address not in known]
        for each in (known, servers):
            for last in range(len(each) - 1, 0, -1):
                other = self.world.chance.below(last + 1)
                each[last], each[other] = each[other], each[last]
        known.sort(key=lambda address: (address, SHARED_LANE) not in self._connections)
        return known + servers

    async def _connected(self, place: Place) -> BrokerConnection:
        """The one connection to an address on a lane. Those who ask while it opens wait for the same one."""
        if self._closed:
            raise ClientClosed("the client is closed")
        connection = self._connections.get(place)
        if connection is not None and connection.usable:
            return connection
        opening = self._opening.get(place)
        if opening is None:
            opening = self._opening[place] = self.world.clock.future()
            self.world.clock.spawn(self._open(place, opening), name=f"connect to {place[0]}")
        outcome = await shared(opening, self.world)
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, BrokerConnection)
        return outcome

    async def _open(self, place: Place, opening: Future[Any]) -> None:
        connection = BrokerConnection(self.world, place[0], self.settings)
        outcome: BrokerConnection | Exception = connection
        try:
            await connection.open()
        except (ClientError, KafkaError) as error:
            connection.close()
            outcome = error
        else:
            self._connections[place] = connection
            if self._closed:
                connection.close()
        finally:
            del self._opening[place]
            if not opening.done():
                opening.set_result(outcome)

    # -- metadata

    async def refresh(self, topics: Iterable[str] | None, *, create: bool = False) -> None:
        """Ask for the nodes and these topics (None: all). `create`: missing ones may be made by the broker."""
        wanted = None if topics is None else [MetadataRequestTopic(name=name) for name in topics]
        answer = await self.on_any(
            MetadataRequest(topics=wanted, allow_auto_topic_creation=create), MetadataResponse
        )
        self.view.learn(answer, everything=topics is None)

    async def topic(self, name: str, *, create: bool = False, timeout: int | None = None) -> TopicView:
        """A topic with its partitions, from what is known or asked for anew.

        With `create`, a missing topic is awaited while the broker makes it. Raises KafkaError (the broker's word on
        the topic, such as UNKNOWN_TOPIC_OR_PARTITION), NoBroker.
        """
        known = self.view.topics.get(name)
        if known is not None:
            return known

        async def ask() -> TopicView:
            await self.refresh([name], create=create)
            found = self.view.topics.get(name)
            if found is not None:
                return found
            code = self.view.errors.get(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            raise KafkaError(code, f"topic {name!r}: {code.sentence}")

        return await self.retrying(ask, timeout=timeout, patient=create)

    async def leader(self, topic: str, partition: int, *, timeout: int | None = None) -> int:
        """Node id of the leader, awaited while there is none. Raises KafkaError, ClientTimeout, NoBroker."""
        await self.topic(topic, timeout=timeout)
        node_id = self.view.leader(topic, partition)
        if node_id != NO_LEADER:
            return node_id

        async def ask() -> int:
            await self.refresh([topic])
            found = self.view.topics.get(topic)
            if found is not None and partition not in found.partitions:
                raise KafkaError(
                    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"topic {topic!r} has no partition {partition}"
                )
            node_id = self.view.leader(topic, partition)
            if node_id == NO_LEADER:
                raise KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, f"{topic}-{partition} has no leader")
            return node_id

        return await self.retrying(ask, timeout=timeout)

    # -- trying again

    async def retrying(
        self, attempt: Callable[[], Awaitable[T]], *, timeout: int | None = None, patient: bool = True
    ) -> T:
        """Call until it succeeds, fails for good, or `timeout` ms (default.api.timeout.ms) are over.

        Broken connections and Kafka's retriable errors are tried again. `patient`: so is a topic that is missing,
        which a broker that lags behind may say of one just created.
        """
        clock = self.world.clock
        deadline = clock.now() + (self.settings.default_api_timeout_ms if timeout is None else timeout)
        tries = 0
        while True:
            try:
                return await attempt()
            except (ConnectionFailed, ClientTimeout, KafkaError) as error:
                if not worth_retrying(error, patient):
                    raise
                tries += 1
                pause = backoff_ms(tries, self.settings, self.world.chance)
                if clock.now() + pause >= deadline:
                    raise
                await clock.sleep(pause)


def worth_retrying(error: Exception, patient: bool) -> bool:
    """Whether another attempt may end differently. No broker at all is told at once."""
    if isinstance(error, NoBroker):
        return False
    if isinstance(error, KafkaError):
        if error.code in MISSING and error.code != ErrorCode.LEADER_NOT_AVAILABLE:
            return patient
        return error.code.retriable
    return True


async def shared(future: Future[Any], world: World) -> Any:
    """Await a future that others await too: cancelling one of them must not cancel it for all."""
    own = world.clock.future()

    def pass_on(done: Future[Any]) -> None:
        if not own.done():
            own.set_result(done.result())

    future.add_done_callback(pass_on)
    return await own
