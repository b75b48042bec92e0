"""ShareAcknowledge (key 79): what became of records that were acquired for a share group (KIP-932).

Behaviour: a request of a share session, whose epoch it carries; -1 closes the session and lets go of what the member
still holds. The answer leaves when everything it confirms is durable. A member must have acquired what it speaks of:
INVALID_RECORD_STATE.

Versions: 2 renewals of locks (KIP-1222), and how long a lock lasts.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ottla.broker.context import Context
from ottla.broker.endpoints import LEADER_CHANGED, name_node
from ottla.broker.services import Services
from ottla.broker.sharing.acknowledging import RENEWS_SINCE, Acknowledged, acknowledge
from ottla.broker.sharing.asking import leader_of, owner_of
from ottla.broker.sharing.sharing import Sharing, sharing_of
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.partition.share_sessions import FINAL_EPOCH, INITIAL_EPOCH, ShareSession
from ottla.core.wire.messages.share_acknowledge import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)


def handle(
    services: Services, context: Context, request: ShareAcknowledgeRequest
) -> ShareAcknowledgeResponse | Awaitable[ShareAcknowledgeResponse]:
    """An error of the whole request is told without words, as Kafka does."""
    try:
        return _handle(services, context, request)
    except KafkaError as error:
        return ShareAcknowledgeResponse(error_code=error.code)


def _handle(
    services: Services, context: Context, request: ShareAcknowledgeRequest
) -> ShareAcknowledgeResponse | Awaitable[ShareAcknowledgeResponse]:
    owner = owner_of(services, context, request.group_id, request.member_id)
    sharing = sharing_of(services)
    epoch = request.share_session_epoch
    if epoch == INITIAL_EPOCH:
        raise KafkaError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    if epoch == FINAL_EPOCH:
        session = sharing.sessions.of(owner)
    else:
        session = sharing.sessions.advance(owner, epoch)
    renews = context.version >= RENEWS_SINCE and request.is_renew_ack
    acknowledged = acknowledge(services, sharing, context, owner, request.topics, renews=renews)
    if acknowledged.pending:
        return _answer_kept(services, sharing, context, request, session, acknowledged)
    return _answer(services, sharing, context, request, session, acknowledged)


async def _answer_kept(
    services: Services,
    sharing: Sharing,
    context: Context,
    request: ShareAcknowledgeRequest,
    session: ShareSession,
    acknowledged: Acknowledged,
) -> ShareAcknowledgeResponse:
    await acknowledged.settle()
    return _answer(services, sharing, context, request, session, acknowledged)


def _answer(
    services: Services,
    sharing: Sharing,
    context: Context,
    request: ShareAcknowledgeRequest,
    session: ShareSession,
    acknowledged: Acknowledged,
) -> ShareAcknowledgeResponse:
    if request.share_session_epoch == FINAL_EPOCH:
        sharing.end_session(session)
    response = ShareAcknowledgeResponse(
        acquisition_lock_timeout_ms=sharing.limits(session.owner.group).lock_ms
    )
    topics: dict[Uuid, ShareAcknowledgeTopicResponse] = {}
    for (topic_id, index), error in acknowledged.errors.items():
        topic = topics.get(topic_id)
        if topic is None:
            topic = topics[topic_id] = ShareAcknowledgeTopicResponse(topic_id=topic_id, partitions=[])
            response.responses.append(topic)
        data = PartitionData(partition_index=index)
        if error is not None:
            data.error_code = error.code
            data.error_message = error.text or None
        topic.partitions.append(data)
        if data.error_code in LEADER_CHANGED:
            _point_to_leader(services, context, topic_id, data, response)
    return response


def _point_to_leader(
    services: Services,
    context: Context,
    topic_id: Uuid,
    data: PartitionData,
    response: ShareAcknowledgeResponse,
) -> None:
    leader = leader_of(services, context, services.partitions.topic_name(topic_id), data.partition_index)
    if leader is None:
        return
    data.current_leader = LeaderIdAndEpoch(leader_id=leader.id, leader_epoch=leader.epoch)
    name_node(response.node_endpoints, leader.node, NodeEndpoint)
