"""Fetch (key 1) on a controller listener: the metadata log, for observers and Kafka's own brokers (KIP-595, KIP-630).

Behaviour: exactly one partition, `__cluster_metadata-0`, without sessions. Records are served up to the end of the log,
committed or not; the high watermark says how far the reader may apply them. A reader that parted from us gets the place
to cut back to, one that is behind our oldest checkpoint the name of the newest. Version 17 and later carry the
reader's directory id, version 18 its high watermark.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.context import Context
from ottla.broker.quorum.port import LocalController
from ottla.broker.quorum.quorum import Quorum
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import METADATA_TOPIC, METADATA_TOPIC_ID
from ottla.core.raft.fetching import Diverge, LoadFirst, Refuse, Serve, answer_fetch
from ottla.core.raft.peers import leader_endpoint
from ottla.core.raft.voters import ReplicaKey
from ottla.core.wire.messages.fetch import (
    EpochEndOffset,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    SnapshotId,
)

REPLICA_STATE_SINCE: Final = 15
ENDPOINTS_SINCE: Final = 17


async def handle(services: Services, context: Context, request: FetchRequest) -> FetchResponse:
    controller = services.controller
    assert isinstance(controller, LocalController)
    quorum = controller.quorum
    if not quorum.facts().knows_cluster(request.cluster_id):
        return FetchResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID)
    wanted = _only_partition(request)
    if wanted is None:
        return FetchResponse(error_code=ErrorCode.INVALID_REQUEST)
    data = _answer(quorum, context, request, wanted)
    if _may_wait(data, wanted) and request.max_wait_ms > 0:
        await quorum.beyond(wanted.fetch_offset, wanted.high_watermark, request.max_wait_ms)
        data = _answer(quorum, context, request, wanted)
    return _response(quorum, context, data)


def _only_partition(request: FetchRequest) -> FetchPartition | None:
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return None
    topic, partition = request.topics[0], request.topics[0].partitions[0]
    return partition if topic.topic_id == METADATA_TOPIC_ID and partition.partition == 0 else None


def _may_wait(data: PartitionData, wanted: FetchPartition) -> bool:
    """Nothing to tell yet: no records, no error, no hint, no news of the high watermark."""
    return (
        data.error_code == 0
        and data.records is None
        and data.diverging_epoch.epoch < 0
        and data.snapshot_id.epoch < 0
        and wanted.high_watermark >= data.high_watermark
    )


def _answer(quorum: Quorum, context: Context, request: FetchRequest, wanted: FetchPartition) -> PartitionData:
    facts = quorum.facts()
    data = PartitionData(
        high_watermark=facts.high_watermark,
        log_start_offset=facts.start_offset,
        current_leader=LeaderIdAndEpoch(leader_id=facts.leader_id, leader_epoch=facts.epoch),
    )
    answer = answer_fetch(
        facts,
        max_wait_ms=request.max_wait_ms,
        current_leader_epoch=wanted.current_leader_epoch,
        fetch_offset=wanted.fetch_offset,
        last_fetched_epoch=wanted.last_fetched_epoch,
        checkpoints=quorum.snapshots.offered,
        end_offset_for_epoch=quorum.log.end_offset_for_epoch,
    )
    match answer:
        case Refuse(error):
            data.error_code, data.high_watermark = error, -1
        case Diverge(at):
            data.diverging_epoch = EpochEndOffset(epoch=at.epoch, end_offset=at.offset)
        case LoadFirst(checkpoint):
            data.snapshot_id = SnapshotId(end_offset=checkpoint.offset, epoch=checkpoint.epoch)
        case Serve(offset):
            limit = min(request.max_bytes, quorum.settings.fetch_max_bytes)
            read = quorum.log.read(offset, limit, limit_offset=quorum.log.end_offset)
            data.records = read.records
            by_state = context.version >= REPLICA_STATE_SINCE
            replica = request.replica_state.replica_id if by_state else request.replica_id
            if replica >= 0:
                key = ReplicaKey(replica, wanted.replica_directory_id)
                now, wall = quorum.clock.now(), quorum.clock.wall()
                quorum.observers.fetched(key, offset, facts.end_offset, now, wall)
    return data


def _response(quorum: Quorum, context: Context, data: PartitionData) -> FetchResponse:
    if data.records is None:
        data.records = b""
    response = FetchResponse(
        responses=[
            FetchableTopicResponse(topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=[data])
        ]
    )
    facts = quorum.facts()
    endpoint = leader_endpoint(facts, context.listener)
    if endpoint is not None and context.version >= ENDPOINTS_SINCE:
        response.node_endpoints.append(
            NodeEndpoint(node_id=facts.me.id, host=endpoint.host, port=endpoint.port)
        )
    return response
