"""FindCoordinator (key 10): which broker coordinates a group, a transactional id or a share partition.

Behaviour: it is the leader of the partition that the name hashes to, in the topic of that kind of coordinator. The topic
is made when somebody first asks; until it has a leader the answer is COORDINATOR_NOT_AVAILABLE, and clients ask again.

Versions: 4 several keys; 6 share partitions, named `group:topicId:partition`.
"""

from __future__ import annotations

from typing import Final

from ottla.broker import auto_create
from ottla.broker.authorizer import check_cluster_action
from ottla.broker.context import Context
from ottla.broker.endpoints import Node, node_of
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import uuid_parse
from ottla.core.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType

GROUP: Final = 0
TRANSACTION: Final = 1
SHARE: Final = 2
TOPICS: Final = {
    GROUP: "__consumer_offsets",
    TRANSACTION: "__transaction_state",
    SHARE: "__share_group_state",
}

MANY_KEYS: Final = 4
SHARES: Final = 6


def handle(services: Services, context: Context, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
    if context.version >= MANY_KEYS:
        return FindCoordinatorResponse(
            coordinators=[_told(services, context, request.key_type, key) for key in request.coordinator_keys]
        )
    one = _told(services, context, request.key_type, request.key)
    return FindCoordinatorResponse(
        error_code=one.error_code,
        error_message=error_of(one.error_code).sentence if one.error_code else "NONE",
        node_id=one.node_id,
        host=one.host,
        port=one.port,
    )


def _told(services: Services, context: Context, kind: int, key: str) -> Coordinator:
    try:
        node = _find(services, context, kind, key)
    except KafkaError as error:
        words = error.text if kind not in TOPICS else ""
        return Coordinator(key=key, node_id=-1, port=-1, error_code=error.code, error_message=words)
    return Coordinator(key=key, node_id=node.id, host=node.host, port=node.port)


def _find(services: Services, context: Context, kind: int, key: str) -> Node:
    """Raises KafkaError when nobody can be named."""
    allows = services.authorizer.allows
    if kind not in TOPICS or (kind == SHARE and context.version < SHARES):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if kind == GROUP and not allows(context, Operation.DESCRIBE, ResourceType.GROUP, key):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if kind == TRANSACTION and not allows(context, Operation.DESCRIBE, ResourceType.TRANSACTIONAL_ID, key):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if kind == SHARE:
        check_cluster_action(services.authorizer, context)
        _check_share_key(key)
    name = TOPICS[kind]
    topic = services.image.topics_by_name.get(name)
    if topic is None:
        auto_create.create(services, context, [name])
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    shards = {GROUP: services.groups, TRANSACTION: services.transactions, SHARE: services.share_states}[kind]
    index = shards.partition_of(services.image, key) or 0
    partition = topic.partitions.get(index)
    node = None if partition is None else node_of(services, context, partition.leader)
    if node is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return node


def _check_share_key(key: str) -> None:
    """Raises INVALID_REQUEST unless it reads `group:topicId:partition`."""
    parts = key.rsplit(":", 2)
    try:
        uuid_parse(parts[1])
        int(parts[2])
    except (IndexError, ValueError):
        raise KafkaError(ErrorCode.INVALID_REQUEST) from None
    if not parts[0]:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
