"""DescribeProducers (key 61): who writes to a partition, with sequence numbers or in a transaction (KIP-664)."""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: DescribeProducersRequest
) -> DescribeProducersResponse:
    response = DescribeProducersResponse()
    for topic in request.topics:
        answers = []
        for index in topic.partition_indexes:
            answer = PartitionResponse(partition_index=index)
            try:
                answer.active_producers = _producers(services, context, topic.name, index)
            except KafkaError as error:
                answer.error_code, answer.error_message = error.code, error.message
            answers.append(answer)
        response.topics.append(TopicResponse(name=topic.name, partitions=answers))
    return response


def _producers(services: Services, context: Context, topic: str, index: int) -> list[ProducerState]:
    check_topic_name(topic)
    if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if topic not in services.image.topics_by_name:
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        raise KafkaError(code, code.sentence)
    return [
        ProducerState(
            producer_id=each.producer_id,
            producer_epoch=each.producer_epoch,
            last_sequence=each.last_sequence,
            last_timestamp=each.last_timestamp,
            coordinator_epoch=each.coordinator_epoch,
            current_txn_start_offset=each.transaction_start,
        )
        for each in services.partitions.get(topic, index).leader_log().active_producers()
    ]
