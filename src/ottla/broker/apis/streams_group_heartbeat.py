"""StreamsGroupHeartbeat (key 88): a member of a streams group joins with its topology, stays and leaves (KIP-1071).

Behaviour: epoch 0 joins, -1 leaves. The answer tells the member's epoch, its tasks where they changed, and statuses: what is
wrong with the topics, for example. Internal topics that are missing are created, if the caller may; until they are there the
group has no tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Context
from ottla.broker.coordination.asking import ask_group, check_streams_groups
from ottla.broker.services import Services
from ottla.broker.streams_topics import create_streams_topics, refusal
from ottla.broker.topic_metadata import INTERNAL_TOPICS
from ottla.core.groups.settings import group_setting
from ottla.core.groups.streams.checking import check
from ottla.core.groups.streams.heartbeat import Beaten
from ottla.core.groups.streams.statuses import StatusCode
from ottla.core.metadata.image import ResourceType as ConfigResource
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.create_topics import CreatableTopic
from ottla.core.wire.messages.streams_group_heartbeat import (
    Status,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    Topology,
)
from ottla.core.wire.permissions import Operation, ResourceType

REASONS_MAX: Final = 3
REMEMBERED_HEARTBEATS: Final = 2


async def handle(
    services: Services, context: Context, request: StreamsGroupHeartbeatRequest
) -> StreamsGroupHeartbeatResponse:
    check_streams_groups(services)
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if request.topology is not None:
        _check_topics(services, context, request.topology)
    check(request)
    beaten: Beaten = await ask_group(services, context, request.group_id, request)
    if beaten.missing:
        _create(services, context, request.group_id, beaten)
    return beaten.response


def _check_topics(services: Services, context: Context, topology: Topology) -> None:
    """Raises STREAMS_INVALID_TOPOLOGY, TOPIC_AUTHORIZATION_FAILED."""
    topics = list(dict.fromkeys(_topics(topology)))
    prohibited = [name for name in topics if name in INTERNAL_TOPICS]
    if prohibited:
        raise KafkaError(
            ErrorCode.STREAMS_INVALID_TOPOLOGY,
            f"Use of Kafka internal topics {','.join(prohibited)} in a Kafka Streams topology is prohibited.",
        )
    invalid = [name for name in topics if not _can_be_named(name)]
    if invalid:
        raise KafkaError(
            ErrorCode.STREAMS_INVALID_TOPOLOGY, f"Topic names {','.join(invalid)} are not valid topic names."
        )
    allows = services.authorizer.allows
    if not all(allows(context, Operation.DESCRIBE, ResourceType.TOPIC, name) for name in topics):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)


def _topics(topology: Topology) -> Iterator[str]:
    for each in topology.subtopologies:
        yield from each.source_topics
        yield from each.repartition_sink_topics
        yield from (topic.name for topic in each.repartition_source_topics)
        yield from (topic.name for topic in each.state_changelog_topics)


def _can_be_named(name: str) -> bool:
    try:
        check_topic_name(name)
    except KafkaError:
        return False
    return True


def _create(services: Services, context: Context, group: str, beaten: Beaten) -> None:
    allows = services.authorizer.allows
    names = [topic.name for topic in beaten.missing]
    if not allows(context, Operation.CREATE, ResourceType.CLUSTER, CLUSTER_NAME):
        denied = [name for name in names if not allows(context, Operation.CREATE, ResourceType.TOPIC, name)]
        if denied:
            _add(beaten, f"Unauthorized to CREATE on topics {', '.join(denied)}.")
            return
    overrides = services.image.config(ConfigResource.GROUP, group)
    interval_ms: int = group_setting(services.settings, overrides, "streams.heartbeat.interval.ms")
    create_streams_topics(services, context, beaten.missing, REMEMBERED_HEARTBEATS * interval_ms)
    _tell_refusals(services, beaten, beaten.missing)


def _tell_refusals(services: Services, beaten: Beaten, topics: list[CreatableTopic]) -> None:
    reasons = [
        f"{topic.name} ({text})" for topic in topics if (text := refusal(services, topic.name)) is not None
    ]
    if reasons:
        more = len(reasons) - REASONS_MAX
        told = ", ".join(reasons[:REASONS_MAX]) + (f" and {more} more" if more > 0 else "")
        _add(beaten, f"Creation failed: {told}.")


def _add(beaten: Beaten, text: str) -> None:
    """Say it beside what is said of the missing topics already."""
    missing = StatusCode.MISSING_INTERNAL_TOPICS
    beaten.response.status = [
        Status(status_code=missing, status_detail=f"{each.status_detail}; {text}")
        if each.status_code == missing
        else each
        for each in beaten.response.status or ()
    ]
