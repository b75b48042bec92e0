"""ListTransactions (key 66): the transactions this broker coordinates.

Versions: 1 a filter by how long they have been under way; 2 a pattern of transactional ids (KIP-1152).
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import request as asking
from ottla.broker.services import Services
from ottla.core.coordination.patterns import matcher
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import ListAll
from ottla.core.transactions.transaction import STATUSES
from ottla.core.wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: ListTransactionsRequest
) -> ListTransactionsResponse:
    pattern = request.transactional_id_pattern
    body = ListAll(request.state_filters, request.producer_id_filters, request.duration_filter)
    response = ListTransactionsResponse(
        unknown_state_filters=[each for each in dict.fromkeys(request.state_filters) if each not in STATUSES]
    )
    for answer in services.transactions.ask_all(asking(services, context, body)):
        try:
            found: ListTransactionsResponse = await answer
        except KafkaError as error:
            if error.code is ErrorCode.NOT_COORDINATOR:
                continue
            raise
        response.transaction_states += found.transaction_states
    allows = services.authorizer.allows
    matches = matcher(pattern) if pattern else lambda name: True
    response.transaction_states = [
        each
        for each in response.transaction_states
        if matches(each.transactional_id)
        and allows(context, Operation.DESCRIBE, ResourceType.TRANSACTIONAL_ID, each.transactional_id)
    ]
    return response
