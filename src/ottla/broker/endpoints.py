"""Where a client finds the brokers, told in the words of its own listener."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol, TypeVar

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.metadata.nouns import BrokerImage
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.addresses import HostPort

NamedT = TypeVar("NamedT", bound="Named")

LEADER_CHANGED: Final = frozenset({ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH})
"""Beside these errors the leader is told, so that a reader need not ask for metadata (KIP-951)."""


class Node(NamedTuple):
    """A broker as a client on one listener sees it."""

    id: int
    host: str
    port: int
    rack: str | None
    fenced: bool = False


class Named(Protocol):
    """What answers of all kinds call NodeEndpoint."""

    node_id: int


def name_node(named: list[NamedT], node: Node | None, kind: Callable[..., NamedT]) -> None:
    """Add the node to those whose address an answer tells, unless it is there; `kind` is that answer's NodeEndpoint."""
    if node is not None and all(each.node_id != node.id for each in named):
        named.append(kind(node_id=node.id, host=node.host, port=node.port, rack=node.rack))


def endpoint_of(services: Services, context: Context, broker: BrokerImage) -> Node | None:
    """The broker's address on the caller's listener; None when it does not offer that listener."""
    if broker.id == services.node_id:
        reached = HostPort(context.local.host, context.local.port)
        own = services.settings.advertisement.to_client(context.listener, reached)
        if own is not None and own.port:
            return Node(broker.id, own.host, own.port, broker.rack, broker.fenced)
    found = broker.endpoints.get(context.listener)
    if found is None:
        return None
    return Node(broker.id, found.host, found.port, broker.rack, broker.fenced)


def brokers(services: Services, context: Context, *, fenced: bool = False) -> Iterator[Node]:
    """The brokers of the caller's listener, by id; those that are fenced only if asked for."""
    for _, broker in sorted(services.image.brokers.items()):
        if fenced or not broker.fenced:
            node = endpoint_of(services, context, broker)
            if node is not None:
                yield node


def node_of(services: Services, context: Context, broker_id: int) -> Node | None:
    """One broker that is not fenced, on the caller's listener."""
    broker = services.image.brokers.get(broker_id)
    if broker is None or broker.fenced:
        return None
    return endpoint_of(services, context, broker)
