"""FindCoordinator (key 10): which broker coordinates a group, a transactional id or a share partition.

Behaviour: this node coordinates none of them and says so. The API is answered all the same, because librdkafka takes its
presence as the sign that a broker understands lz4, and sends uncompressed batches to one that lacks it.

Versions: 4 and later get UNSUPPORTED_VERSION with a sentence, which ends a consumer that subscribes with a clear error.
Earlier ones get COORDINATOR_NOT_AVAILABLE: librdkafka hands any other error to consumers that read by assignment, which
need no coordinator.
"""

from __future__ import annotations

import logging
from typing import Final

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

log = logging.getLogger("ottla.router")

KINDS: Final = {0: "consumer groups", 1: "transactions", 2: "share groups"}
MANY_KEYS: Final = 4


def handle(services: Services, context: Context, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
    kind = KINDS.get(request.key_type)
    if kind is None:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    text = f"This broker does not serve {kind}; read by assignment (assign), write without a transactional id"
    if kind not in services.coordinators_asked_for:
        services.coordinators_asked_for.add(kind)
        log.warning("%s (client_id=%s) asks for a coordinator: %s", context.peer, context.client_id, text)
    if context.version < MANY_KEYS:
        code = ErrorCode.COORDINATOR_NOT_AVAILABLE
        return FindCoordinatorResponse(error_code=code, error_message=text, node_id=-1, port=-1)
    return FindCoordinatorResponse(
        coordinators=[
            Coordinator(
                key=key, node_id=-1, port=-1, error_code=ErrorCode.UNSUPPORTED_VERSION, error_message=text
            )
            for key in request.coordinator_keys
        ]
    )
