"""DescribeTransactions (key 65): state and partitions of transactions, each for itself."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_transaction
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import Describe
from ottla.core.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TransactionState,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: DescribeTransactionsRequest
) -> DescribeTransactionsResponse:
    asked = [(name, _ask(services, context, name)) for name in request.transactional_ids]
    response = DescribeTransactionsResponse()
    for name, answer in asked:
        try:
            if isinstance(answer, KafkaError):
                raise answer
            described: TransactionState = await answer
        except KafkaError as error:
            described = TransactionState(transactional_id=name, error_code=error.code)
        described.topics = [
            topic
            for topic in described.topics
            if services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.topic)
        ]
        response.transaction_states.append(described)
    return response


def _ask(services: Services, context: Context, name: str) -> Future[Any] | KafkaError:
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TRANSACTIONAL_ID, name):
        return KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    try:
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        return ask_transaction(services, context, name, Describe(name))
    except KafkaError as error:
        return error
