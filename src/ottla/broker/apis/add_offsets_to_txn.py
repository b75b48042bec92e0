"""AddOffsetsToTxn (key 25): the offsets of a group take part in a transaction: their partition of `__consumer_offsets` does.

Versions: 2 PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_transaction
from ottla.broker.coordination.transactions import OFFSETS_TOPIC
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import AddPartitions
from ottla.core.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from ottla.core.wire.permissions import Operation, ResourceType

FENCED_AT = 2


async def handle(
    services: Services, context: Context, request: AddOffsetsToTxnRequest
) -> AddOffsetsToTxnResponse:
    name, allows = request.transactional_id, services.authorizer.allows
    if not allows(context, Operation.WRITE, ResourceType.TRANSACTIONAL_ID, name):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    index = services.groups.partition_of(services.image, request.group_id)
    if index is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    places = frozenset([(OFFSETS_TOPIC, index)])
    body = AddPartitions(name, request.producer_id, request.producer_epoch, places)
    try:
        await ask_transaction(services, context, name, body)
    except KafkaError as error:
        if error.code is ErrorCode.PRODUCER_FENCED and context.version < FENCED_AT:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH) from error
        raise
    return AddOffsetsToTxnResponse()
