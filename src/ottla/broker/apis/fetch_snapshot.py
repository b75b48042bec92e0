"""FetchSnapshot (key 59): a stretch of a checkpoint of the metadata log (KIP-630).

Behaviour: one partition, read from `position`; the checkpoint made by formatting is never handed out. Errors:
SNAPSHOT_NOT_FOUND, POSITION_OUT_OF_RANGE, and those of a request that is not for the leader of this epoch.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.context import Context
from ottla.broker.quorum.port import LocalController
from ottla.broker.quorum.quorum import Quorum
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import METADATA_TOPIC
from ottla.core.raft.facts import OffsetAndEpoch
from ottla.core.raft.fetching import leader_error
from ottla.core.raft.peers import leader_endpoint
from ottla.core.wire.messages.fetch_snapshot import (
    FetchSnapshotRequest,
    FetchSnapshotResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionSnapshotRequest,
    PartitionSnapshotResponse,
    SnapshotIdResponse,
    TopicSnapshotResponse,
)

ENDPOINTS_SINCE: Final = 1


def handle(services: Services, context: Context, request: FetchSnapshotRequest) -> FetchSnapshotResponse:
    controller = services.controller
    assert isinstance(controller, LocalController)
    quorum = controller.quorum
    facts = quorum.facts()
    if not facts.knows_cluster(request.cluster_id):
        return FetchSnapshotResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID)
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return FetchSnapshotResponse(error_code=ErrorCode.INVALID_REQUEST)
    name, wanted = request.topics[0].name, request.topics[0].partitions[0]
    data = PartitionSnapshotResponse(
        index=wanted.partition,
        current_leader=LeaderIdAndEpoch(leader_id=facts.leader_id, leader_epoch=facts.epoch),
    )
    try:
        if name != METADATA_TOPIC or wanted.partition != 0:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        error = leader_error(facts, wanted.current_leader_epoch)
        if error is not ErrorCode.NONE:
            raise KafkaError(error)
        _fill(quorum, wanted, request.max_bytes, data)
    except KafkaError as refused:
        data.error_code = refused.code
    response = FetchSnapshotResponse(topics=[TopicSnapshotResponse(name=name, partitions=[data])])
    endpoint = leader_endpoint(facts, context.listener)
    if endpoint is not None and context.version >= ENDPOINTS_SINCE:
        response.node_endpoints.append(
            NodeEndpoint(node_id=facts.me.id, host=endpoint.host, port=endpoint.port)
        )
    return response


def _fill(
    quorum: Quorum, wanted: PartitionSnapshotRequest, max_bytes: int, data: PartitionSnapshotResponse
) -> None:
    id_ = OffsetAndEpoch(wanted.snapshot_id.end_offset, wanted.snapshot_id.epoch)
    size = quorum.snapshots.size_of(id_)
    if size is None:
        raise KafkaError(ErrorCode.SNAPSHOT_NOT_FOUND)
    if not 0 <= wanted.position < size:
        raise KafkaError(ErrorCode.POSITION_OUT_OF_RANGE)
    limit = min(max_bytes, quorum.settings.fetch_snapshot_max_bytes)
    data.snapshot_id = SnapshotIdResponse(end_offset=id_.offset, epoch=id_.epoch)
    data.size, data.position = size, wanted.position
    data.unaligned_records = quorum.snapshots.read(id_, wanted.position, limit)
