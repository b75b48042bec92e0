"""Produce requests and answers: batches in, one result a batch out."""

from __future__ import annotations

from typing import Final, TypeAlias

from ottla.client.producing.batches import Batch
from ottla.client.settings import ProducerSettings
from ottla.client.view import ClusterView
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import NO_OFFSET, NO_TIMESTAMP, ZERO_UUID
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)

Result: TypeAlias = "tuple[int, int, KafkaError | None]"
"""Base offset, log append time, error."""

NEWEST_BY_NAME: Final = 12
"""The last version that names topics; later ones carry ids alone."""

DUPLICATE: Final = ErrorCode.DUPLICATE_SEQUENCE_NUMBER
LOST_PLACE: Final = frozenset(
    {ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID},
)
"""The batch is not the one that comes next, or the broker has forgotten what came before. It is not written."""

LOST_IDENTITY: Final = frozenset({ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.INVALID_PRODUCER_ID_MAPPING})
"""The producer id is good no more."""


def produce_request(
    settings: ProducerSettings, view: ClusterView, batches: list[Batch], newest: int | None = None
) -> tuple[ProduceRequest, int | None]:
    """The request for encoded batches of one leader, and the newest version that can carry it."""
    topics: dict[str, TopicProduceData] = {}
    for batch in batches:
        data = topics.get(batch.topic)
        if data is None:
            known = view.topics.get(batch.topic)
            data = TopicProduceData(
                name=batch.topic, topic_id=known.id if known else ZERO_UUID, partition_data=[]
            )
            topics[batch.topic] = data
        data.partition_data.append(PartitionProduceData(index=batch.partition, records=batch.encoded))
    anonymous = any(data.topic_id == ZERO_UUID for data in topics.values())
    request = ProduceRequest(
        transactional_id=settings.transactional_id,
        acks=settings.acks,
        timeout_ms=settings.request_timeout_ms,
        topic_data=list(topics.values()),
    )
    if anonymous:
        newest = NEWEST_BY_NAME if newest is None else min(newest, NEWEST_BY_NAME)
    return request, newest


def produce_results(
    answer: ProduceResponse, view: ClusterView, batches: list[Batch]
) -> dict[tuple[str, int], Result]:
    """A result for every batch asked about; one that the broker left out may be tried again."""
    forgotten = KafkaError(ErrorCode.NETWORK_EXCEPTION, "the broker's answer leaves the partition out")
    results: dict[tuple[str, int], Result] = {
        (batch.topic, batch.partition): (NO_OFFSET, NO_TIMESTAMP, forgotten) for batch in batches
    }
    for topic in answer.responses:
        name = topic.name or view.names.get(topic.topic_id, "")
        for partition in topic.partition_responses:
            if (name, partition.index) in results:
                results[name, partition.index] = result_of(partition)
    return results


def result_of(partition: PartitionProduceResponse) -> Result:
    if not partition.error_code:
        return partition.base_offset, partition.log_append_time_ms, None
    code = error_of(partition.error_code)
    details = [error.batch_index_error_message or "" for error in partition.record_errors]
    message = partition.error_message or next(filter(None, details), None) or code.sentence
    return NO_OFFSET, NO_TIMESTAMP, KafkaError(code, message)
