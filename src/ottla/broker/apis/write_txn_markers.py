"""WriteTxnMarkers (key 27): a transaction coordinator, or an administrator with a hanging transaction, has the end of
transactions marked in partitions that this broker leads. The answer comes when the markers are committed.

Versions: 2 the transaction version, by which a marker of a transaction long ended is told from the one that is due.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.coordination.transactions import mark
from ottla.broker.services import Services
from ottla.core.coordination.contract import Producer
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH, NO_PRODUCER
from ottla.core.transactions.transaction import Place
from ottla.core.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


async def handle(
    services: Services, context: Context, request: WriteTxnMarkersRequest
) -> WriteTxnMarkersResponse:
    allows = services.authorizer.allows
    if not allows(context, Operation.ALTER, ResourceType.CLUSTER, CLUSTER_NAME) and not allows(
        context, Operation.CLUSTER_ACTION, ResourceType.CLUSTER, CLUSTER_NAME
    ):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    codes: dict[int, dict[str, dict[int, ErrorCode]]] = {}
    for wanted in request.markers:
        for topic in wanted.topics:
            for index in topic.partition_indexes:
                of_topic = codes.setdefault(wanted.producer_id, {}).setdefault(topic.name, {})
                of_topic[index] = await _mark(services, wanted, (topic.name, index))
    return WriteTxnMarkersResponse(
        markers=[
            WritableTxnMarkerResult(
                producer_id=producer_id,
                topics=[
                    WritableTxnMarkerTopicResult(
                        name=name,
                        partitions=[
                            WritableTxnMarkerPartitionResult(partition_index=index, error_code=code)
                            for index, code in partitions.items()
                        ],
                    )
                    for name, partitions in topics.items()
                ],
            )
            for producer_id, topics in codes.items()
        ]
    )


async def _mark(services: Services, wanted: WritableTxnMarker, place: Place) -> ErrorCode:
    if wanted.producer_id == NO_PRODUCER or wanted.producer_epoch == NO_EPOCH:
        return ErrorCode.UNKNOWN_SERVER_ERROR  # nobody is called that; Kafka has no better word either
    producer = Producer(wanted.producer_id, wanted.producer_epoch)
    return await mark(
        services,
        place,
        producer,
        wanted.coordinator_epoch,
        wanted.transaction_result,
        wanted.transaction_version,
    )
