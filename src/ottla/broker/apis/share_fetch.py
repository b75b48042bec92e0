"""ShareFetch (key 78): acquires records for a member of a share group, and acknowledges earlier ones (KIP-932).

Behaviour: long poll with `min_bytes` and `max_wait_ms`. What is acquired is locked for the member, for
`acquisition_lock_timeout_ms`. Requests belong to a share session: epoch 0 opens it with the partitions named, later ones
carry the next epoch and name what changed, -1 closes it and lets go of what the member holds. Answers to later requests
name only partitions with records, errors, or the first time.

Versions: 2 `share_acquire_mode` 1 (record_limit, KIP-1206), and renewals of locks (KIP-1222), which are answered at
once and without records.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from ottla.broker.context import Context
from ottla.broker.endpoints import LEADER_CHANGED, name_node
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.broker.sharing.acknowledging import RENEWS_SINCE, Acknowledged, acknowledge
from ottla.broker.sharing.asking import leader_of, owner_of
from ottla.broker.sharing.fetching import Delivered, ShareFetching
from ottla.broker.sharing.sharing import Sharing, sharing_of
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.partition.share_sessions import FINAL_EPOCH, INITIAL_EPOCH, Key, Owner, ShareSession
from ottla.core.partition.sharing.values import Wish
from ottla.core.share_state.requests import SharePartitionKey
from ottla.core.wire.messages.share_fetch import (
    AcquiredRecords,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareFetchableTopicResponse,
    ShareFetchRequest,
    ShareFetchResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType
from ottla.world.doors import FileSlice

BATCH_OPTIMIZED: Final = 0
RECORD_LIMIT: Final = 1


def handle(
    services: Services, context: Context, request: ShareFetchRequest
) -> ShareFetchResponse | Awaitable[ShareFetchResponse] | Later[ShareFetchResponse]:
    """An error of the whole request is told without words, as Kafka does."""
    try:
        return _handle(services, context, request)
    except KafkaError as error:
        return ShareFetchResponse(error_code=error.code)


def _handle(
    services: Services, context: Context, request: ShareFetchRequest
) -> ShareFetchResponse | Awaitable[ShareFetchResponse] | Later[ShareFetchResponse]:
    owner = owner_of(services, context, request.group_id, request.member_id)
    renews = context.version >= RENEWS_SINCE and request.is_renew_ack
    if renews:
        _check_renewal(request)
    sharing = sharing_of(services)
    try:
        session = _session(services, sharing, context, owner, request)
    except KafkaError as error:
        if error.code != ErrorCode.SHARE_SESSION_LIMIT_REACHED:
            raise
        return _refuse_late(services, request.max_wait_ms, error.code)
    answer = Answering(services, sharing, context, request, session)
    if any(each.acknowledgement_batches for topic in request.topics for each in topic.partitions):
        answer.acknowledged = acknowledge(services, sharing, context, owner, request.topics, renews=renews)
    if not renews and not answer.closes:
        answer.fetch()
    return answer.begin()


def _check_renewal(request: ShareFetchRequest) -> None:
    """A lock that was renewed must not end while its answer waits for records."""
    names = ("max_bytes", "min_bytes", "max_records", "max_wait_ms")
    wrong = [name for name in names if getattr(request, name)]
    if wrong:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"A request that renews locks fetches nothing: {', '.join(wrong)} must be 0",
        )


def _session(
    services: Services, sharing: Sharing, context: Context, owner: Owner, request: ShareFetchRequest
) -> ShareSession:
    """The session that the request opens, goes on with or closes."""
    epoch = request.share_session_epoch
    if epoch == FINAL_EPOCH:
        return sharing.sessions.of(owner)
    named: list[tuple[Key, str | None]] = [
        ((topic.topic_id, each.partition_index), services.partitions.topic_name(topic.topic_id))
        for topic in request.topics
        for each in topic.partitions
    ]
    if epoch == INITIAL_EPOCH:
        if any(each.acknowledgement_batches for topic in request.topics for each in topic.partitions):
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if len({key for key, _ in named}) < len(named):
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "A partition is named twice")
        return sharing.open_session(owner, context.caller, named)
    session = sharing.sessions.advance(owner, epoch)
    forgotten = [
        (topic.topic_id, index) for topic in request.forgotten_topics_data for index in topic.partitions
    ]
    session.update(named, forgotten)
    return session


async def _refuse_late(services: Services, max_wait_ms: int, code: ErrorCode) -> ShareFetchResponse:
    """Who gets no session would ask again at once."""
    await services.clock.sleep(max(max_wait_ms, 0))
    return ShareFetchResponse(error_code=code)


class Answering:
    """One request after its session is clear: waits for records and for the share coordinator, then answers."""

    def __init__(
        self,
        services: Services,
        sharing: Sharing,
        context: Context,
        request: ShareFetchRequest,
        session: ShareSession,
    ) -> None:
        self.acknowledged = Acknowledged()
        self.closes = request.share_session_epoch == FINAL_EPOCH
        self._services = services
        self._sharing = sharing
        self._context = context
        self._request = request
        self._session = session
        self._epoch = session.epoch
        self._fetching: ShareFetching | None = None
        self._settled = False
        self._later: Later[ShareFetchResponse] = Later()

    # -- fetching

    def fetch(self) -> None:
        """Set out to acquire records of the session's partitions."""
        services, request, session = self._services, self._request, self._session
        if session.partitions and request.share_acquire_mode not in (BATCH_OPTIMIZED, RECORD_LIMIT):
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "There is no such acquire mode")
        limit = min(request.max_bytes, services.settings["fetch.max.bytes"])
        isolation = self._sharing.setting(session.owner.group, "share.isolation.level")
        fetching = self._fetching = ShareFetching(
            services,
            session,
            Wish(request.max_records, request.batch_size, request.share_acquire_mode == RECORD_LIMIT),
            minimum=min(request.min_bytes, limit),
            limit=limit,
            committed_only=isolation == "read_committed",
        )
        for key in _rotated(list(session.partitions), request.share_session_epoch):
            self._add(fetching, key, session.partitions[key].topic)

    def _add(self, fetching: ShareFetching, key: Key, topic: str | None) -> None:
        services = self._services
        topic_id, index = key
        if topic is None:
            fetching.refuse(key, ErrorCode.UNKNOWN_TOPIC_ID)
        elif not services.authorizer.allows(self._context, Operation.READ, ResourceType.TOPIC, topic):
            fetching.refuse(key, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        elif services.image.partition(topic, index) is None:
            fetching.refuse(key, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        elif fetching.wants_records:
            try:
                shared = self._sharing.get(
                    SharePartitionKey(self._session.owner.group, topic_id, index), topic
                )
            except KafkaError as error:
                fetching.refuse(key, error.code)
            else:
                fetching.add(key, shared)

    # -- waiting

    def begin(self) -> ShareFetchResponse | Later[ShareFetchResponse]:
        """The answer, or the promise of one."""
        fetching, pending = self._fetching, self.acknowledged.pending
        fetched = fetching is None or fetching.attempt()
        if fetched and not pending:
            return self._answer()
        self._later.add_done_callback(self._ended)
        if not fetched:
            assert fetching is not None
            fetching.park(self._request.max_wait_ms, self._conclude)
        if pending:
            self._services.clock.spawn(self._settle(), name="wait for acknowledgements to be kept")
        return self._later

    async def _settle(self) -> None:
        await self.acknowledged.settle()
        if self._fetching is None or not self._fetching.is_parked:
            self._conclude()

    def _conclude(self) -> None:
        """Whatever goes wrong here is this request's alone: others wake in the same turn."""
        if self._later.done() or self.acknowledged.pending:
            return
        try:
            response = self._answer()
        except Exception as fault:
            self._later.set_exception(fault)
        else:
            self._later.set_result(response)

    def _ended(self, later: Later[ShareFetchResponse]) -> None:
        if later.cancelled() and self._fetching is not None:
            self._fetching.abandon()

    # -- answering

    def _answer(self) -> ShareFetchResponse:
        sharing, session = self._sharing, self._session
        delivered = {} if self._fetching is None else self._fetching.delivered
        response = ShareFetchResponse(acquisition_lock_timeout_ms=sharing.limits(session.owner.group).lock_ms)
        if self.closes:
            sharing.end_session(session)
        elif session.epoch != self._epoch:
            _release(delivered)
            response.error_code = ErrorCode.INVALID_SHARE_SESSION_EPOCH
            return response
        follows = self._request.share_session_epoch > INITIAL_EPOCH
        listed: dict[Key, PartitionData] = {}
        for key, each in delivered.items():
            worth = session.is_worth_telling(key, error=each.code, size=each.size)
            if worth or not follows:
                listed[key] = self._told(key, each, response)
        for key, error in self.acknowledged.errors.items():
            data = listed.setdefault(key, PartitionData(partition_index=key[1]))
            if error is not None:
                data.acknowledge_error_code = error.code
                data.acknowledge_error_message = error.text or None
        topics: dict[Uuid, ShareFetchableTopicResponse] = {}
        for (topic_id, _), data in listed.items():
            topic = topics.get(topic_id)
            if topic is None:
                topic = topics[topic_id] = ShareFetchableTopicResponse(topic_id=topic_id, partitions=[])
            topic.partitions.append(data)
        response.responses = list(topics.values())
        return response

    def _told(self, key: Key, each: Delivered, response: ShareFetchResponse) -> PartitionData:
        services, context = self._services, self._context
        name = services.partitions.topic_name(key[0])
        data = PartitionData(
            partition_index=key[1],
            error_code=each.code,
            records=each.records,
            acquired_records=[
                AcquiredRecords(first_offset=first, last_offset=last, delivery_count=deliveries)
                for first, last, deliveries in each.acquired
            ],
        )
        if name is not None:
            services.metrics.topic(name).bytes_out += each.size
        if each.code in LEADER_CHANGED:
            leader = leader_of(services, context, name, key[1])
            if leader is not None:
                data.current_leader = LeaderIdAndEpoch(leader_id=leader.id, leader_epoch=leader.epoch)
                name_node(response.node_endpoints, leader.node, NodeEndpoint)
        return data


def _rotated(keys: list[Key], epoch: int) -> list[Key]:
    """Another partition comes first in every request."""
    if epoch < 1 or not keys:
        return keys
    start = epoch % len(keys)
    return keys[start:] + keys[:start]


def _release(delivered: dict[Key, Delivered]) -> None:
    """The records will not be sent."""
    for each in delivered.values():
        if isinstance(each.records, FileSlice):
            each.records.release()
