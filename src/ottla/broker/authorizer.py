"""The question every request is asked: may this principal do that to this?

The router asks it for the APIs that nodes send each other, handlers ask it for the topics and groups they touch.
"""

from __future__ import annotations

from typing import Final, Protocol

from ottla.broker.context import Context
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.permissions import Operation, ResourceType

CLUSTER_NAME: Final = "kafka-cluster"

NOT_ASKED: Final = -(1 << 31)
"""The authorised-operations field of an answer whose request did not ask for it."""

TOPIC_OPERATIONS: Final = (
    Operation.READ,
    Operation.WRITE,
    Operation.CREATE,
    Operation.DELETE,
    Operation.ALTER,
    Operation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
)
CLUSTER_OPERATIONS: Final = (
    Operation.CREATE,
    Operation.ALTER,
    Operation.DESCRIBE,
    Operation.CLUSTER_ACTION,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
    Operation.IDEMPOTENT_WRITE,
)


class Authorizer(Protocol):
    """Decides; never waits."""

    @property
    def enabled(self) -> bool:
        """Whether there is anything to decide by: without it ACL requests are answered SECURITY_DISABLED."""
        ...

    def allows(self, context: Context, operation: Operation, resource: ResourceType, name: str) -> bool: ...


class AllowAll:
    """A node without `authorizer.class.name`."""

    __slots__ = ()

    enabled = False

    def allows(self, context: Context, operation: Operation, resource: ResourceType, name: str) -> bool:
        return True


def check_cluster_action(authorizer: Authorizer, context: Context) -> None:
    """Raises CLUSTER_AUTHORIZATION_FAILED for whoever may not act for the cluster: what nodes ask each other is for
    nodes."""
    if not authorizer.allows(context, Operation.CLUSTER_ACTION, ResourceType.CLUSTER, CLUSTER_NAME):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)


def authorized_operations(
    authorizer: Authorizer,
    context: Context,
    resource: ResourceType,
    name: str,
    operations: tuple[Operation, ...],
) -> int:
    """The bit field of what the caller may do (bit n = operation n)."""
    return sum(1 << each for each in operations if authorizer.allows(context, each, resource, name))
