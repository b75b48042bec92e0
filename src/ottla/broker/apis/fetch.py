"""Fetch (key 1): record batches from the offset a reader asks for.

Behaviour: long poll with `min_bytes` and `max_wait_ms`; `max_bytes` bounds the answer and `partition_max_bytes` each
partition, but the first batch of an answer always comes whole (KIP-74). Incremental sessions (KIP-227).
`isolation_level` 1 stops at the last stable offset and names aborted transactions.

Versions: 7 sessions; 9 leader epochs (KIP-320); 11 rack; 12 divergence; 13 topic ids only; 15 replica state; 16 the
current leader beside NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951). Up to 5, KAFKA_STORAGE_ERROR is told as
NOT_LEADER_OR_FOLLOWER, which those clients understand.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from ottla.broker.context import Context
from ottla.broker.endpoints import LEADER_CHANGED, name_node, node_of
from ottla.broker.fetching import Fetching, Found, failure
from ottla.broker.later import Later
from ottla.broker.partition import Partition
from ottla.broker.services import Services
from ottla.broker.watching import SessionWatch
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import NO_EPOCH, ZERO_UUID, Uuid
from ottla.core.partition.fetch_sessions import LAST_EPOCH, FetchContext, Key, Wanted
from ottla.core.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
)
from ottla.core.wire.permissions import Operation, ResourceType

IDS_SINCE: Final = 13


def handle(
    services: Services, context: Context, request: FetchRequest
) -> FetchResponse | Awaitable[FetchResponse] | Later[FetchResponse]:
    committed_only = request.isolation_level == 1
    replica = request.replica_id if context.version < 15 else request.replica_state.replica_id
    session = _session(services, context, request, (committed_only, replica, context.principal))
    if session.error:
        return FetchResponse(error_code=session.error)
    limit = min(request.max_bytes, services.settings["fetch.max.bytes"])
    minimum = min(request.min_bytes, limit)
    fetching = Fetching(
        services,
        minimum=minimum,
        limit=limit,
        committed_only=committed_only,
        replica=replica,
        watch=_watch(session),
    )
    readable = _readable(services, context, session, fetching)
    settled = fetching.read_all(readable)
    if settled or not (readable or session.has_settled) or request.max_wait_ms <= 0:
        if fetching.is_cold:
            return _answer_warmed(services, context, session, fetching)
        return _answer(services, context, session, fetching)
    return _answer_later(services, context, session, fetching, request.max_wait_ms)


def _watch(session: FetchContext) -> SessionWatch | None:
    if session.session is None:
        return None
    watch = session.session.watch
    if not isinstance(watch, SessionWatch):
        watch = session.session.watch = SessionWatch(session.session)
    return watch


def _session(
    services: Services, context: Context, request: FetchRequest, terms: tuple[bool, int, str]
) -> FetchContext:
    wanted = [
        Wanted(
            topic.topic,
            topic.topic_id,
            each.partition,
            each.fetch_offset,
            each.partition_max_bytes,
            max(each.current_leader_epoch, NO_EPOCH),  # here any negative one says nothing
            each.last_fetched_epoch,
            each.log_start_offset,
        )
        for topic in request.topics
        for each in topic.partitions
    ]
    forgotten = [
        (topic.topic or topic.topic_id, index)
        for topic in request.forgotten_topics_data
        for index in topic.partitions
    ]
    return services.fetch_sessions.begin(
        services.clock.now(),
        request.session_id,
        request.session_epoch,
        wanted,
        forgotten,
        uses_ids=context.version >= IDS_SINCE,
        terms=terms,
    )


def _readable(
    services: Services, context: Context, session: FetchContext, fetching: Fetching
) -> dict[Key, tuple[Partition, Wanted]]:
    """The partitions to read, in order; those that cannot be get their error at once."""
    readable: dict[Key, tuple[Partition, Wanted]] = {}
    for key, wanted in session.partitions.items():
        name = wanted.topic
        if not name and context.version >= IDS_SINCE:
            name = services.partitions.topic_name(wanted.topic_id) or ""
        if not name and context.version >= IDS_SINCE:
            code = ErrorCode.UNKNOWN_TOPIC_ID
        elif not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, name):
            code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        else:
            partition = services.partitions.find(name, wanted.partition)
            if partition is not None:
                readable[key] = (partition, wanted)
                continue
            code = services.partitions.absence(name, wanted.partition)
        fetching.errors[key] = Found(failure(wanted.partition, code))
    return readable


async def _answer_warmed(
    services: Services, context: Context, session: FetchContext, fetching: Fetching
) -> FetchResponse:
    await fetching.warm()
    return _answer(services, context, session, fetching)


def _answer_later(
    services: Services, context: Context, session: FetchContext, fetching: Fetching, max_wait_ms: int
) -> Later[FetchResponse]:
    answer: Later[FetchResponse] = Later()

    def settled() -> None:
        if fetching.is_cold:
            services.clock.spawn(warmed(), name="warm a fetch")
        else:
            conclude()

    async def warmed() -> None:
        await fetching.warm()
        conclude()

    def conclude() -> None:
        """Whatever goes wrong here is this request's alone: others wake in the same turn."""
        if answer.done():
            fetching.abandon()
            return
        try:
            response = _answer(services, context, session, fetching)
        except Exception as fault:
            fetching.abandon()
            answer.set_exception(fault)
        else:
            answer.set_result(response)

    def ended(_: Later[FetchResponse]) -> None:
        if answer.cancelled():
            fetching.abandon()

    fetching.park(max_wait_ms, settled)
    answer.add_done_callback(ended)
    return answer


def _answer(services: Services, context: Context, session: FetchContext, fetching: Fetching) -> FetchResponse:
    everything = {**fetching.found, **fetching.errors} if fetching.errors else fetching.found
    answers = {key: found.data for key, found in everything.items()}
    sizes = {key: found.size for key, found in everything.items() if found.size}
    code, session_id, named = services.fetch_sessions.end(
        services.clock.now(),
        session,
        answers,
        1 + services.chance.below(LAST_EPOCH) if session.creates else 0,
        sizes,
    )
    if code:
        fetching.abandon()
        return FetchResponse(error_code=code, session_id=session_id)
    fetching.settle()
    response = FetchResponse(session_id=session_id)
    last: Key | None = None
    for key in named:
        found = everything[key]
        name, topic_id = _topic(services, key[0])
        if last is None or last[0] != key[0]:
            response.responses.append(FetchableTopicResponse(topic=name, topic_id=topic_id))
        last = key
        response.responses[-1].partitions.append(found.data)
        if found.data.error_code:
            _explain(services, context, name, found, response)
        _count(services, name, found)
    return response


def _topic(services: Services, topic: str | Uuid) -> tuple[str, Uuid]:
    """(name, id) of a topic that the reader named by either; the name is empty when nobody knows the id."""
    if isinstance(topic, str):
        return topic, ZERO_UUID
    return services.partitions.topic_name(topic) or "", topic


def _explain(services: Services, context: Context, name: str, found: Found, response: FetchResponse) -> None:
    """Fit an error to what clients of this version understand."""
    data = found.data
    if data.error_code == ErrorCode.KAFKA_STORAGE_ERROR and context.version <= 5:
        data.error_code = ErrorCode.NOT_LEADER_OR_FOLLOWER
    if context.version < 16 or data.error_code not in LEADER_CHANGED:
        return
    image = services.image.partition(name, data.partition_index)
    if image is None:
        return
    data.current_leader = LeaderIdAndEpoch(leader_id=image.leader, leader_epoch=image.leader_epoch)
    name_node(response.node_endpoints, node_of(services, context, image.leader), NodeEndpoint)


def _count(services: Services, name: str, found: Found) -> None:
    if name:
        metrics = services.metrics.topic(name)
        metrics.fetch_requests += 1
        metrics.bytes_out += found.size
        if found.data.error_code:
            metrics.failed_fetch_requests += 1
