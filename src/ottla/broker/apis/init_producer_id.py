"""InitProducerId (key 22): an id and epoch for a producer that numbers its batches.

Behaviour: an idempotent producer gets a fresh id with epoch 0, whatever it had before. A transactional one gets what its
coordinator keeps under its transactional id, with an epoch that fences whoever had it last; a transaction that is
still open is aborted first, and the producer hears CONCURRENT_TRANSACTIONS until that is done.

Versions: 3 a producer goes on with the id and epoch it has; 4 PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_transaction
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_PRODUCER
from ottla.core.transactions.requests import Initialised, InitProducer
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.permissions import Operation, ResourceType

NO_EPOCH = -1
FENCED_AT = 4


async def handle(
    services: Services, context: Context, request: InitProducerIdRequest
) -> InitProducerIdResponse:
    allows = services.authorizer.allows
    transactional_id = request.transactional_id
    if transactional_id is not None:
        if not allows(context, Operation.WRITE, ResourceType.TRANSACTIONAL_ID, transactional_id):
            raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    elif not allows(context, Operation.IDEMPOTENT_WRITE, ResourceType.CLUSTER, CLUSTER_NAME):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    if (request.producer_id == NO_PRODUCER) != (request.producer_epoch == NO_EPOCH) or transactional_id == "":
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if transactional_id is None:
        return InitProducerIdResponse(producer_id=await services.producer_ids.take(), producer_epoch=0)
    if not 0 < request.transaction_timeout_ms <= services.settings["transaction.max.timeout.ms"]:
        raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    expected = None
    if request.producer_id != NO_PRODUCER:
        expected = (request.producer_id, request.producer_epoch)
    body = InitProducer(transactional_id, request.transaction_timeout_ms, expected)
    try:
        answer: Initialised = await ask_transaction(services, context, transactional_id, body)
    except KafkaError as error:
        if error.code is ErrorCode.PRODUCER_FENCED and context.version < FENCED_AT:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH) from error
        raise
    return InitProducerIdResponse(producer_id=answer.producer_id, producer_epoch=answer.producer_epoch)
