"""What a principal may be allowed to do, and to what: the numbers of Kafka's ACLs."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Operation(IntEnum):
    """An operation, as an ACL names it."""

    UNKNOWN = 0
    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15


class ResourceType(IntEnum):
    """What an operation is done to."""

    UNKNOWN = 0
    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class Permission(NamedTuple):
    """An operation on resources of one type; which resource, the request says."""

    operation: Operation
    resource: ResourceType

    def __str__(self) -> str:
        return f"{self.operation.name} on {self.resource.name}"


CLUSTER_ACTION: Final = Permission(Operation.CLUSTER_ACTION, ResourceType.CLUSTER)
ALTER_CLUSTER: Final = Permission(Operation.ALTER, ResourceType.CLUSTER)
ALTER_CONFIGS_CLUSTER: Final = Permission(Operation.ALTER_CONFIGS, ResourceType.CLUSTER)
ALTER_CONFIGS_GROUP: Final = Permission(Operation.ALTER_CONFIGS, ResourceType.GROUP)
ALTER_CONFIGS_TOPIC: Final = Permission(Operation.ALTER_CONFIGS, ResourceType.TOPIC)
ALTER_TOPIC: Final = Permission(Operation.ALTER, ResourceType.TOPIC)
CREATE_CLUSTER: Final = Permission(Operation.CREATE, ResourceType.CLUSTER)
CREATE_TOKENS: Final = Permission(Operation.CREATE_TOKENS, ResourceType.USER)
CREATE_TOPIC: Final = Permission(Operation.CREATE, ResourceType.TOPIC)
DELETE_CLUSTER: Final = Permission(Operation.DELETE, ResourceType.CLUSTER)
DELETE_GROUP: Final = Permission(Operation.DELETE, ResourceType.GROUP)
DELETE_TOPIC: Final = Permission(Operation.DELETE, ResourceType.TOPIC)
DESCRIBE_CLUSTER: Final = Permission(Operation.DESCRIBE, ResourceType.CLUSTER)
DESCRIBE_CONFIGS_CLUSTER: Final = Permission(Operation.DESCRIBE_CONFIGS, ResourceType.CLUSTER)
DESCRIBE_CONFIGS_GROUP: Final = Permission(Operation.DESCRIBE_CONFIGS, ResourceType.GROUP)
DESCRIBE_CONFIGS_TOPIC: Final = Permission(Operation.DESCRIBE_CONFIGS, ResourceType.TOPIC)
DESCRIBE_GROUP: Final = Permission(Operation.DESCRIBE, ResourceType.GROUP)
DESCRIBE_TOKEN: Final = Permission(Operation.DESCRIBE, ResourceType.DELEGATION_TOKEN)
DESCRIBE_TOKENS: Final = Permission(Operation.DESCRIBE_TOKENS, ResourceType.USER)
DESCRIBE_TOPIC: Final = Permission(Operation.DESCRIBE, ResourceType.TOPIC)
DESCRIBE_TRANSACTION: Final = Permission(Operation.DESCRIBE, ResourceType.TRANSACTIONAL_ID)
IDEMPOTENT_WRITE: Final = Permission(Operation.IDEMPOTENT_WRITE, ResourceType.CLUSTER)
READ_GROUP: Final = Permission(Operation.READ, ResourceType.GROUP)
READ_TOPIC: Final = Permission(Operation.READ, ResourceType.TOPIC)
TWO_PHASE_COMMIT: Final = Permission(Operation.TWO_PHASE_COMMIT, ResourceType.TRANSACTIONAL_ID)
WRITE_TOPIC: Final = Permission(Operation.WRITE, ResourceType.TOPIC)
WRITE_TRANSACTION: Final = Permission(Operation.WRITE, ResourceType.TRANSACTIONAL_ID)
