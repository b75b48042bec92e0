"""ShareGroupDescribe (key 77): state and members of share groups (KIP-932)."""

from __future__ import annotations

from collections.abc import Iterator

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_share_groups
from ottla.broker.coordination.describing import describe
from ottla.broker.services import Services
from ottla.core.groups.share.describe import DescribeShare
from ottla.core.wire.messages.share_group_describe import (
    DescribedGroup,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
)


async def handle(
    services: Services, context: Context, request: ShareGroupDescribeRequest
) -> ShareGroupDescribeResponse:
    check_share_groups(services)
    groups = await describe(services, context, request, DescribedGroup, DescribeShare, _topics)
    return ShareGroupDescribeResponse(groups=list(groups))


def _topics(described: DescribedGroup) -> Iterator[str]:
    for member in described.members:
        yield from (each.topic_name for each in member.assignment.topic_partitions)
