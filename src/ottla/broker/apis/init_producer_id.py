"""InitProducerId (key 22): an id and epoch for a producer that numbers its batches.

Behaviour: an idempotent producer gets a fresh id with epoch 0, whatever it had before. A transactional one needs a
transaction coordinator, which this broker does not have: COORDINATOR_NOT_AVAILABLE. An empty transactional id, or half of
an (id, epoch) pair, is INVALID_REQUEST.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_PRODUCER
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.permissions import Operation, ResourceType

NO_EPOCH = -1


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
    if transactional_id is not None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return InitProducerIdResponse(producer_id=await services.producer_ids.take(context), producer_epoch=0)
