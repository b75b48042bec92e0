"""What the rooms of administration share: a cluster, and the ways to whom a request belongs.

Some requests are for the controller, some for a broker, some for the coordinator of each group or transactional id, some
for the leader of each partition. An answer is told per item: what was found, or the KafkaError why not. Errors that
concern a whole request are raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from ottla.client.cluster import Cluster
from ottla.client.coordinators import ELSEWHERE, Coordinators
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.opening import Lease
from ottla.client.settings import AdminSettings
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.declaration import Body

B = TypeVar("B", bound=Body)
K = TypeVar("K")
V = TypeVar("V")

Each: TypeAlias = "dict[K, V | KafkaError]"
"""Per item: what was asked for, or why there is no such thing."""
Done: TypeAlias = "dict[K, KafkaError | None]"
"""Per item: None when it was done, or why it was not."""


class AdminCalls:
    """A client that asks and orders. Settings are keywords, Kafka's `properties`, or both; keywords win.

    Over a `cluster` that is lent, several clients share its connections. Raises SettingRefused.
    """

    def __init__(
        self,
        cluster: Cluster | None = None,
        *,
        properties: Mapping[str, object] | None = None,
        **settings: Any,
    ) -> None:
        self._lease = Lease(AdminSettings, cluster, properties, settings)
        self.settings = self._lease.settings
        self._found_coordinators: Coordinators | None = None

    @property
    def cluster(self) -> Cluster:
        """Raises NotOpen."""
        return self._lease.cluster

    async def open(self) -> None:
        """Connect. `async with` does this. Raises NoBroker."""
        await self._lease.open()

    async def close(self) -> None:
        """Close what is the client's own."""
        self._lease.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- to whom a request belongs

    async def _from_controller(
        self,
        request: Body,
        response: type[B],
        codes: Callable[[B], Iterable[int]] | None = None,
        *,
        newest: int | None = None,
        patient: bool = False,
    ) -> B:
        """Ask the controller, again when it has moved. `codes` are the error codes inside an answer (its own, else).

        Connections that break are tried again for `default.api.timeout.ms`; raises ConnectionFailed, ClientTimeout.
        """

        async def attempt() -> B:
            answer = await self.cluster.on_controller(request, response, newest=newest)
            found = codes(answer) if codes is not None else (getattr(answer, "error_code", 0),)
            if ErrorCode.NOT_CONTROLLER in set(found):
                await self.cluster.refresh(())
                raise KafkaError(ErrorCode.NOT_CONTROLLER)
            return answer

        return await self.cluster.retrying(attempt, patient=patient)

    async def _from_each(
        self, nodes: Iterable[int], request: Body, response: type[B]
    ) -> dict[int, B | ClientError]:
        """Ask these brokers the same; one that cannot be reached does not keep the others from answering."""
        found: dict[int, B | ClientError] = {}
        for node_id in nodes:
            try:
                found[node_id] = await self.cluster.on_node(node_id, request, response)
            except ClientError as error:
                found[node_id] = error
        return found

    async def _from_coordinators(
        self, kind: int, keys: Sequence[str], ask: Callable[[int, list[str]], Awaitable[Mapping[str, V]]]
    ) -> dict[str, V | KafkaError]:
        """Ask the coordinator of each key, those of one coordinator together; coordinators that move are followed.

        `ask(node id, keys)` answers a V or a KafkaError a key. Raises ConnectionFailed, ClientTimeout, NoBroker.
        """
        found: dict[str, V | KafkaError] = {}
        waiting = list(dict.fromkeys(keys))
        coordinators = self._coordinators

        async def attempt() -> None:
            nodes, refused = await coordinators.by_node(kind, waiting)
            found.update(refused)
            for node, some in nodes.items():
                try:
                    found.update(await ask(node, some))
                except (ConnectionFailed, ClientTimeout):
                    for key in some:
                        coordinators.forget(kind, key)
                    raise
            moved = {
                key: each
                for key in waiting
                if isinstance(each := found.get(key), KafkaError) and each.code in ELSEWHERE
            }
            waiting[:] = moved
            for key in moved:
                coordinators.forget(kind, key)
            if moved:
                raise next(iter(moved.values()))

        try:
            await self.cluster.retrying(attempt)
        except KafkaError as error:
            if error.code not in ELSEWHERE:
                raise
        return {key: found[key] for key in dict.fromkeys(keys) if key in found}

    @property
    def _coordinators(self) -> Coordinators:
        if self._found_coordinators is None:
            self._found_coordinators = Coordinators(self.cluster)
        return self._found_coordinators

    @property
    def _timeout_ms(self) -> int:
        """How long the cluster may take over a change."""
        return self.cluster.settings.request_timeout_ms


def error_or_none(code: int, message: str | None = None, what: str = "") -> KafkaError | None:
    """An answer's error. Without a message of the broker's, `what` says what it is about."""
    if not code:
        return None
    known = error_of(code)
    return KafkaError(known, message or (f"{what}: {known.sentence}" if what else None))


def check(code: int, message: str | None = None, what: str = "") -> None:
    """Raises KafkaError for an answer's error."""
    error = error_or_none(code, message, what)
    if error is not None:
        raise error
