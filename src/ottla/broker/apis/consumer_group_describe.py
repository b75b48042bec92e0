"""ConsumerGroupDescribe (key 69): state and members of consumer groups (KIP-848).

Versions: 1 whether a member speaks the classic or the consumer protocol.
"""

from __future__ import annotations

from collections.abc import Iterator

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_consumer_groups
from ottla.broker.coordination.describing import describe
from ottla.broker.services import Services
from ottla.core.groups.consumer.describing import DescribeConsumer
from ottla.core.wire.messages.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)


async def handle(
    services: Services, context: Context, request: ConsumerGroupDescribeRequest
) -> ConsumerGroupDescribeResponse:
    check_consumer_groups(services)
    groups = await describe(services, context, request, DescribedGroup, DescribeConsumer, _topics)
    return ConsumerGroupDescribeResponse(groups=list(groups))


def _topics(described: DescribedGroup) -> Iterator[str]:
    for member in described.members:
        for assignment in (member.assignment, member.target_assignment):
            yield from (each.topic_name for each in assignment.topic_partitions)
