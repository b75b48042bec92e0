"""Requests on their way to a coordinator on this node."""

from __future__ import annotations

from asyncio import Future
from typing import Any, Final
from uuid import UUID

from ottla.broker.context import Context
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.coordination.contract import Request
from ottla.core.metadata.levels import GROUP_VERSION, SHARE_VERSION, STREAMS_VERSION
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.permissions import Operation

GROUP_OPERATIONS: Final = (
    Operation.READ,
    Operation.DELETE,
    Operation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
)

MEMBER_ID_MAX: Final = 36
"""Characters: as many as a UUID in its long form has."""


def ask_group(
    services: Services, context: Context, group: str | None, body: object, *, fresh: bool = False
) -> Future[Any]:
    """The answer of the coordinator of `group`. `fresh`: the request may need a member id of its own.

    Raises KafkaError: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS.
    """
    return services.groups.ask(services.image, group or "", request(services, context, body, fresh=fresh))


def relay_to_group(
    services: Services, context: Context, group: str | None, body: object, *, fresh: bool = False
) -> Later[Any]:
    """The same where the coordinator's answer is the reply as it stands: it leaves in the turn in which it is known."""
    return services.groups.relay(services.image, group or "", request(services, context, body, fresh=fresh))


def ask_transaction(services: Services, context: Context, transactional_id: str, body: object) -> Future[Any]:
    """The same, of the coordinator of a transactional id."""
    return services.transactions.ask(services.image, transactional_id, request(services, context, body))


def request(services: Services, context: Context, body: object, *, fresh: bool = False) -> Request:
    """What a handler hands to a coordinator. The host is written as the JVM prints an address."""
    return Request(
        body,
        context.version,
        context.client_id or "",
        f"/{context.peer.host}",
        str(UUID(bytes=services.chance.bytes(16), version=4)) if fresh else "",
    )


def check_consumer_groups(services: Services) -> None:
    """Raises UNSUPPORTED_VERSION where the consumer protocol (KIP-848) is off: by setting or by feature."""
    _check_offered(services, "consumer")
    _check_finalised(services, GROUP_VERSION)


def check_share_groups(services: Services) -> None:
    """Raises UNSUPPORTED_VERSION where share groups (KIP-932) are off: by feature."""
    _check_finalised(services, SHARE_VERSION)


def check_streams_groups(services: Services) -> None:
    """Raises UNSUPPORTED_VERSION where the streams protocol (KIP-1071) is off: by setting or by feature."""
    _check_offered(services, "streams")
    _check_finalised(services, STREAMS_VERSION)


def _check_offered(services: Services, protocol: str) -> None:
    if protocol not in services.settings["group.coordinator.rebalance.protocols"]:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)


def _check_finalised(services: Services, feature: str) -> None:
    if services.image.features.get(feature, 0) < 1:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)


def is_member_id(member_id: str | None) -> bool:
    """Whether a member of a share group may call itself that: the id is the client's to choose."""
    return bool(member_id) and len(member_id or "") <= MEMBER_ID_MAX


def check_group_id(group: str | None) -> None:
    """Raises INVALID_GROUP_ID for an empty one, where the API takes none."""
    if not group:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
