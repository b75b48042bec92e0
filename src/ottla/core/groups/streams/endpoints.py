"""Where an application answers questions about its state: the endpoints of members, and which partitions each serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ottla.core.coordination.contract import Topics
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.member import Member
from ottla.core.wire.messages.streams_group_heartbeat import (
    EndpointResponse,
    EndpointToPartitions,
    TopicPartition,
)


def endpoints(group: StreamsGroup, member: Member, topics: Topics) -> list[EndpointToPartitions]:
    """Of every member that has one; `member` as it is here, not as the group knows it yet."""
    others = [each for each in group.members.values() if each.id != member.id]
    found = [_known(group, each, topics) for each in (*others, member)]
    return [each for each in found if each is not None]


def _known(group: StreamsGroup, member: Member, topics: Topics) -> EndpointToPartitions | None:
    if member.endpoint is None:
        return None
    known = group.endpoints.get(member.id)
    if known is None:
        known = group.endpoints[member.id] = EndpointToPartitions(
            user_endpoint=EndpointResponse(host=member.endpoint.host, port=member.endpoint.port),
            active_partitions=_partitions(group, member.assigned.active, topics),
            standby_partitions=_partitions(group, member.assigned.standby, topics),
        )
    return known


def _partitions(
    group: StreamsGroup, tasks: Mapping[str, Iterable[int]], topics: Topics
) -> list[TopicPartition]:
    """What these tasks read. A topic with fewer partitions than its subtopology has tasks is not read by the last of them;
    topics that are missing at the moment are left out."""
    shapes = {} if group.shaped is None else group.shaped.shapes
    found: list[TopicPartition] = []
    for subtopology, indexes in tasks.items():
        shape = shapes.get(subtopology)
        if shape is None:
            continue
        for name in sorted({*shape.source_topics, *shape.repartition_sources}):
            topic = topics.named(name)
            count = 0 if topic is None else topic.partitions
            partitions = sorted(index for index in indexes if index < count)
            if partitions:
                found.append(TopicPartition(topic=name, partitions=partitions))
    return found
