"""StreamsGroupDescribe (key 89): state, topology and members of streams groups (KIP-1071)."""

from __future__ import annotations

from collections.abc import Iterator

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_streams_groups
from ottla.broker.coordination.describing import describe
from ottla.broker.services import Services
from ottla.core.groups.streams.describing import DescribeStreams
from ottla.core.wire.messages.streams_group_describe import (
    DescribedGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)

HIDDEN = "The described group uses topics that the client is not authorized to describe."


async def handle(
    services: Services, context: Context, request: StreamsGroupDescribeRequest
) -> StreamsGroupDescribeResponse:
    check_streams_groups(services)
    groups = await describe(services, context, request, DescribedGroup, DescribeStreams, _topics, HIDDEN)
    return StreamsGroupDescribeResponse(groups=list(groups))


def _topics(described: DescribedGroup) -> Iterator[str]:
    for each in (described.topology.subtopologies if described.topology else None) or ():
        yield from each.source_topics
        yield from each.repartition_sink_topics
        yield from (topic.name for topic in each.repartition_source_topics)
        yield from (topic.name for topic in each.state_changelog_topics)
