"""A client of the workload: a process of its own with one connection, which breaks and is made again.

`call` raises `Unanswered` when nobody knows whether the request was carried out: the connection broke, or time is over.
"""

from __future__ import annotations

from typing import Final, TypeVar

from ottla.client.connection import BrokerConnection
from ottla.client.errors import ClientError
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import KafkaError
from ottla.core.wire.declaration import Body
from ottla.sim.judge.cluster import ClusterFacts
from ottla.sim.universe import Universe
from ottla.world.doors import Address

R = TypeVar("R", bound=Body)

REQUEST_MS: Final = 20_000


class Unanswered(Exception):
    """The request may have been carried out, or not."""


class Client:
    """`number` tells it from the others; `facts` is what it knows with everybody else."""

    def __init__(self, universe: Universe, number: int, address: Address, facts: ClusterFacts) -> None:
        self.universe = universe
        self.name = f"client-{number}"
        self.facts = facts
        self.process, self.world = universe.machine(self.name).process(self.name)
        self.chance = universe.chance.split(self.name)
        self.connections = 0
        """How many were made."""
        self._calm = True
        self.after_crash = False
        """The node was started again since the beginning: it may have forgotten older batches of a producer."""
        self._address = address
        self._settings = ConnectionSettings(client_id=self.name, request_timeout_ms=REQUEST_MS)
        self._connection: BrokerConnection | None = None

    @property
    def now(self) -> int:
        """The world's milliseconds."""
        return self.universe.schedule.micros // 1_000

    @property
    def must_succeed(self) -> bool:
        """Nothing was wrong with the node since the last call: it had no reason to refuse it."""
        return self._calm and self.facts.calm

    def note(self, what: str) -> None:
        self.universe.note(self.name, what)

    async def connection(self) -> BrokerConnection:
        """Raises Unanswered."""
        found = self._connection
        if found is not None and found.usable:
            return found
        self._connection = None
        made = BrokerConnection(self.world, self._address, self._settings)
        self.connections += 1
        try:
            await made.open()
        except (ClientError, KafkaError) as error:
            made.close()
            raise Unanswered(str(error)) from error
        self._connection = made
        return made

    async def call(self, request: Body, response: type[R], *, newest: int | None = None) -> R:
        """Raises Unanswered."""
        return await self.call_on(await self.connection(), request, response, newest=newest)

    async def call_on(
        self, connection: BrokerConnection, request: Body, response: type[R], *, newest: int | None = None
    ) -> R:
        """The same on this connection and no other."""
        self._calm = self.facts.calm
        try:
            return await connection.call(request, response, newest=newest)
        except ClientError as error:
            if self._connection is connection:
                self.hang_up()
            raise Unanswered(str(error)) from error

    def hang_up(self) -> None:
        """Let the connection go; the next call makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
