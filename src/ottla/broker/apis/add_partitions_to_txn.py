"""AddPartitionsToTxn (key 24): partitions take part in a transaction; or, asked by their leaders, whether they do.

Behaviour: all partitions of a transaction or none: where one is refused, the others are OPERATION_NOT_ATTEMPTED.

Versions: 2 PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH; 4 several transactions, between brokers only (KIP-890); 5
transaction version 2.
"""

from __future__ import annotations

from ottla.broker.authorizer import check_cluster_action
from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_transaction
from ottla.broker.services import Services
from ottla.broker.topic_metadata import INTERNAL_TOPICS
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import AddPartitions, Verified, VerifyPartitions
from ottla.core.transactions.transaction import EPOCH_BUMP, Place
from ottla.core.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)
from ottla.core.wire.permissions import Operation, ResourceType

FENCED_AT = 2
BATCHED = 4
EPOCH_BUMP_AT = 5


async def handle(
    services: Services, context: Context, request: AddPartitionsToTxnRequest
) -> AddPartitionsToTxnResponse:
    if context.version < BATCHED:
        one = AddPartitionsToTxnTransaction(
            transactional_id=request.v3_and_below_transactional_id,
            producer_id=request.v3_and_below_producer_id,
            producer_epoch=request.v3_and_below_producer_epoch,
            topics=request.v3_and_below_topics,
        )
        answer = await _answer(services, context, one)
        return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=answer.topic_results)
    check_cluster_action(services.authorizer, context)
    return AddPartitionsToTxnResponse(
        results_by_transaction=[await _answer(services, context, each) for each in request.transactions]
    )


async def _answer(
    services: Services, context: Context, asked: AddPartitionsToTxnTransaction
) -> AddPartitionsToTxnResult:
    places = [(topic.name, index) for topic in asked.topics for index in topic.partitions]
    allows = services.authorizer.allows
    from_client = context.version < BATCHED
    name = asked.transactional_id
    if from_client and not allows(context, Operation.WRITE, ResourceType.TRANSACTIONAL_ID, name):
        return _result(asked, dict.fromkeys(places, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
    errors = {place: code for place in places if (code := _refusal(services, context, place, from_client))}
    if errors:
        return _result(asked, {**dict.fromkeys(places, ErrorCode.OPERATION_NOT_ATTEMPTED), **errors})
    return _result(asked, await _ask(services, context, asked, frozenset(places)))


def _refusal(services: Services, context: Context, place: Place, from_client: bool) -> ErrorCode:
    topic, index = place
    if (
        from_client
        and topic not in INTERNAL_TOPICS
        and not services.authorizer.allows(context, Operation.WRITE, ResourceType.TOPIC, topic)
    ):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    if services.image.partition(topic, index) is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


async def _ask(
    services: Services, context: Context, asked: AddPartitionsToTxnTransaction, places: frozenset[Place]
) -> dict[Place, ErrorCode]:
    who = (asked.transactional_id, asked.producer_id, asked.producer_epoch)
    version = EPOCH_BUMP if context.version >= EPOCH_BUMP_AT else 0
    body = VerifyPartitions(*who, places) if asked.verify_only else AddPartitions(*who, places, version)
    try:
        if not asked.transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        answer = await ask_transaction(services, context, asked.transactional_id, body)
    except KafkaError as error:
        code = error.code
        if code is ErrorCode.PRODUCER_FENCED and context.version < FENCED_AT:
            code = ErrorCode.INVALID_PRODUCER_EPOCH
        return dict.fromkeys(places, code)
    return dict(answer.errors) if isinstance(answer, Verified) else dict.fromkeys(places, ErrorCode.NONE)


def _result(asked: AddPartitionsToTxnTransaction, codes: dict[Place, ErrorCode]) -> AddPartitionsToTxnResult:
    return AddPartitionsToTxnResult(
        transactional_id=asked.transactional_id,
        topic_results=[
            AddPartitionsToTxnTopicResult(
                name=topic.name,
                results_by_partition=[
                    AddPartitionsToTxnPartitionResult(
                        partition_index=index, partition_error_code=codes[topic.name, index]
                    )
                    for index in topic.partitions
                ],
            )
            for topic in asked.topics
        ],
    )
