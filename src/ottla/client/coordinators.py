"""Who coordinates a group, a transactional id or a share partition, and requests to them.

    coordinators = Coordinators(cluster)
    answer = await coordinators.ask(GROUP, "billing", request, OffsetFetchResponse, codes=codes_of)

A coordinator moves with the leader of its partition of an internal topic. What was found is kept until a broker says
that it is not, or no longer, the one; then it is looked up again, with pauses, for as long as the caller allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from ottla.client.cluster import SHARED_LANE, Cluster
from ottla.client.connection import BrokerConnection
from ottla.client.errors import ClientTimeout, ConnectionFailed
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse

R = TypeVar("R", bound=Body)

GROUP: Final = 0
TRANSACTION: Final = 1
SHARE: Final = 2
"""Key types of FindCoordinator. The key of a share partition is `group:topic id:partition`."""

BATCHED: Final = 4
"""The first version of FindCoordinator that takes several keys."""

ELSEWHERE: Final = frozenset(
    {
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""Errors that looking the coordinator up again, a little later, may cure."""


class Coordinators:
    """Looks coordinators up and remembers them. `lane`: on which connections `ask` asks (see `Cluster.new_lane`)."""

    def __init__(self, cluster: Cluster, *, lane: int = SHARED_LANE) -> None:
        self.cluster = cluster
        self._lane = lane
        self._nodes: dict[tuple[int, str], int] = {}

    async def find(self, kind: int, keys: Sequence[str]) -> dict[str, int | KafkaError]:
        """Node id of each key's coordinator, or why there is none; asked anew, once. Raises NoBroker."""

        async def ask(connection: BrokerConnection) -> dict[str, int | KafkaError]:
            if connection.version_of(FindCoordinatorRequest) >= BATCHED:
                request = FindCoordinatorRequest(key_type=kind, coordinator_keys=list(keys))
                return found_in(await connection.call(request, FindCoordinatorResponse))
            found: dict[str, int | KafkaError] = {}
            for key in keys:
                single = FindCoordinatorRequest(key=key, key_type=kind)
                found[key] = found_alone(await connection.call(single, FindCoordinatorResponse), key)
            return found

        found = await self.cluster.with_any(ask)
        for key, node in found.items():
            if isinstance(node, int):
                self._nodes[kind, key] = node
        return found

    async def node(self, kind: int, key: str, *, timeout: int | None = None) -> int:
        """Node id of one coordinator, awaited while there is none. Raises KafkaError, ClientTimeout, NoBroker."""
        known = self._nodes.get((kind, key))
        if known is not None:
            return known

        async def look() -> int:
            return await self._look(kind, key)

        return await self.cluster.retrying(look, timeout=timeout)

    async def by_node(
        self, kind: int, keys: Iterable[str]
    ) -> tuple[dict[int, list[str]], dict[str, KafkaError]]:
        """Keys by their coordinator, and those that have none with the reason. Unknown ones are looked up at once."""
        wanted = list(keys)
        unknown = [key for key in wanted if (kind, key) not in self._nodes]
        found = await self.find(kind, unknown) if unknown else {}
        nodes: dict[int, list[str]] = {}
        refused: dict[str, KafkaError] = {}
        for key in wanted:
            node = found.get(key, self._nodes.get((kind, key), -1))
            if isinstance(node, KafkaError):
                refused[key] = node
            else:
                nodes.setdefault(node, []).append(key)
        return nodes, refused

    def forget(self, kind: int, key: str) -> None:
        """The coordinator is another one by now, or out of reach."""
        self._nodes.pop((kind, key), None)

    async def ask(
        self,
        kind: int,
        key: str,
        request: Body,
        response: type[R],
        *,
        codes: Callable[[R], Iterable[int]] | None = None,
        timeout: int | None = None,
        request_timeout: int | None = None,
        newest: int | None = None,
    ) -> R:
        """Ask the coordinator, following it when it has moved, for `timeout` ms (default.api.timeout.ms).

        `codes` gives the error codes inside an answer (by default its own `error_code`): those of ELSEWHERE lead to
        another attempt, all others are the caller's to read. Raises KafkaError for a coordinator that cannot be found,
        ConnectionFailed, ClientTimeout, NoBroker.
        """

        async def attempt() -> R:
            node = self._nodes.get((kind, key))
            if node is None:
                node = await self._look(kind, key)
            try:
                answer = await self.cluster.on_node(
                    node, request, response, timeout=request_timeout, newest=newest, lane=self._lane
                )
            except (ConnectionFailed, ClientTimeout):
                self.forget(kind, key)
                raise
            for code in codes(answer) if codes is not None else (getattr(answer, "error_code", 0),):
                if code in ELSEWHERE:
                    self.forget(kind, key)
                    raise KafkaError(error_of(code), f"coordinator of {key!r}: {error_of(code).sentence}")
            return answer

        return await self.cluster.retrying(attempt, timeout=timeout)

    async def _look(self, kind: int, key: str) -> int:
        node = (await self.find(kind, [key])).get(key)
        if node is None:
            raise KafkaError(
                ErrorCode.COORDINATOR_NOT_AVAILABLE, f"no answer about the coordinator of {key!r}"
            )
        if isinstance(node, KafkaError):
            raise node
        return node


def found_in(answer: FindCoordinatorResponse) -> dict[str, int | KafkaError]:
    return {
        each.key: refusal(each.error_code, each.error_message, each.key) if each.error_code else each.node_id
        for each in answer.coordinators
    }


def found_alone(answer: FindCoordinatorResponse, key: str) -> int | KafkaError:
    """What a broker says that answers about one key at a time."""
    return refusal(answer.error_code, answer.error_message, key) if answer.error_code else answer.node_id


def refusal(code: int, message: str | None, key: str) -> KafkaError:
    return KafkaError(error_of(code), message or f"coordinator of {key!r}: {error_of(code).sentence}")
