"""TxnOffsetCommit (key 28): offsets that count once the transaction has ended well.

Behaviour: as OffsetCommit for topics and partitions; then the coordinator of the transaction has to vouch for the group's
partition of `__consumer_offsets`, as for any partition that a transaction writes to.

Versions: 2 COORDINATOR_LOAD_IN_PROGRESS, before that COORDINATOR_NOT_AVAILABLE; 3 members; 5 the partition takes part by being
written to (KIP-890).
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_group_id
from ottla.broker.coordination.proving import RETRIED, Proof, goes_on
from ottla.broker.coordination.transactions import OFFSETS_TOPIC
from ottla.broker.services import Services
from ottla.core.coordination.contract import Producer
from ottla.core.log.producer import NO_SEQUENCE
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType

LOADING_AT = 2
EPOCH_BUMP_AT = 5


async def handle(
    services: Services, context: Context, request: TxnOffsetCommitRequest
) -> TxnOffsetCommitResponse:
    allows = services.authorizer.allows
    if not allows(context, Operation.WRITE, ResourceType.TRANSACTIONAL_ID, request.transactional_id):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    response = TxnOffsetCommitResponse()
    taken = _sort_out(services, context, request, response)
    if not taken:
        return response
    check_group_id(request.group_id)
    body = TxnOffsetCommitRequest(
        transactional_id=request.transactional_id,
        group_id=request.group_id,
        producer_id=request.producer_id,
        producer_epoch=request.producer_epoch,
        generation_id=request.generation_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        topics=taken,
    )
    try:
        answer = await _commit(services, context, body)
    except KafkaError as error:
        if error.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS and context.version < LOADING_AT:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE) from error
        raise
    by_name = {topic.name: topic for topic in response.topics}
    for topic in answer.topics:
        known = by_name.get(topic.name)
        if known is None:
            response.topics.append(topic)
        else:
            known.partitions += topic.partitions
    return response


def _sort_out(
    services: Services,
    context: Context,
    request: TxnOffsetCommitRequest,
    response: TxnOffsetCommitResponse,
) -> list[TxnOffsetCommitRequestTopic]:
    """The topics whose offsets may be committed; the others are answered in `response`."""
    taken: list[TxnOffsetCommitRequestTopic] = []
    for topic in request.topics:
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        image = services.image.topics_by_name.get(topic.name)
        if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic.name):
            code, image = ErrorCode.TOPIC_AUTHORIZATION_FAILED, None
        known = [
            each
            for each in topic.partitions
            if image is not None and each.partition_index in image.partitions
        ]
        absent = [
            TxnOffsetCommitResponsePartition(partition_index=each.partition_index, error_code=code)
            for each in topic.partitions
            if each not in known
        ]
        if absent:
            response.topics.append(TxnOffsetCommitResponseTopic(name=topic.name, partitions=absent))
        if known:
            taken.append(TxnOffsetCommitRequestTopic(name=topic.name, partitions=known))
    return taken


async def _commit(
    services: Services, context: Context, body: TxnOffsetCommitRequest
) -> TxnOffsetCommitResponse:
    """Raises KafkaError."""
    index = services.groups.partition_of(services.image, body.group_id)
    partition = None if index is None else services.partitions.find(OFFSETS_TOPIC, index)
    producer = Producer(body.producer_id, body.producer_epoch)
    proof: Proof | None = None
    joins = context.version >= EPOCH_BUMP_AT
    verified = joins or services.settings["transaction.partition.verification.enable"]
    if verified and partition is not None and not goes_on(partition, *producer):
        proof = Proof(body.transactional_id, producer, {partition: NO_SEQUENCE}, joins=joins)
        await proof.ask(services, context)
        code = proof.error(partition)
        if code:
            raise KafkaError(
                ErrorCode.COORDINATOR_NOT_AVAILABLE
                if code in RETRIED - {ErrorCode.CONCURRENT_TRANSACTIONS}
                else code
            )
    asked = ask_group(services, context, body.group_id, body)
    if proof is not None:
        proof.release()
    response: TxnOffsetCommitResponse = await asked
    return response
