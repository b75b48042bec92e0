"""EndTxn (key 26): commit or abort. The answer comes when the decision is durable; the markers follow.

Versions: 2 PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH; 5 the producer goes on with another epoch (KIP-890).
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_transaction
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import End, Ended
from ottla.core.transactions.transaction import EPOCH_BUMP
from ottla.core.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from ottla.core.wire.permissions import Operation, ResourceType

FENCED_AT = 2
EPOCH_BUMP_AT = 5


async def handle(services: Services, context: Context, request: EndTxnRequest) -> EndTxnResponse:
    name = request.transactional_id
    if not services.authorizer.allows(context, Operation.WRITE, ResourceType.TRANSACTIONAL_ID, name):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    version = EPOCH_BUMP if context.version >= EPOCH_BUMP_AT else 0
    body = End(name, request.producer_id, request.producer_epoch, request.committed, version)
    try:
        answer: Ended = await ask_transaction(services, context, name, body)
    except KafkaError as error:
        if error.code is ErrorCode.PRODUCER_FENCED and context.version < FENCED_AT:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH) from error
        raise
    return EndTxnResponse(producer_id=answer.producer_id, producer_epoch=answer.producer_epoch)
