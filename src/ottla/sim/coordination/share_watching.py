"""The share group seen from outside: told where to begin, and asked how far it has come."""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
    DescribeShareGroupOffsetsResponse,
)
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.sim.coordination.asking import SHARERS, SOURCE, NotNow, check
from ottla.sim.coordination.share_facts import ShareFacts
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

PAUSE_MS: Final = 500
UNKNOWN: Final = -1


class Progress(NamedTuple):
    """`start`: below it all is done. `lag`: how many records are not. UNKNOWN where nothing was written down yet."""

    start: int
    lag: int


async def begin_at_the_beginning(client: Client) -> None:
    """Else the group would begin with what comes after its first fetch. Raises Unanswered, NotNow, Violation."""
    wanted = [AlterableConfig(name="share.auto.offset.reset", config_operation=0, value="earliest")]
    resource = AlterConfigsResource(resource_type=ResourceType.GROUP, resource_name=SHARERS, configs=wanted)
    request = IncrementalAlterConfigsRequest(resources=[resource])
    answer = await client.call(request, IncrementalAlterConfigsResponse)
    check(f"configuring {SHARERS}", answer.responses[0].error_code)


async def progress(client: Client, partitions: int) -> dict[int, Progress]:
    """By partition. Raises Unanswered, NotNow, Violation."""
    topic = DescribeShareGroupOffsetsRequestTopic(topic_name=SOURCE, partitions=list(range(partitions)))
    group = DescribeShareGroupOffsetsRequestGroup(group_id=SHARERS, topics=[topic])
    request = DescribeShareGroupOffsetsRequest(groups=[group])
    answer = (await client.call(request, DescribeShareGroupOffsetsResponse)).groups[0]
    check(f"the progress of {SHARERS}", answer.error_code)
    found: dict[int, Progress] = {}
    for each in answer.topics[0].partitions:
        check(f"the progress of {SHARERS} in {each.partition_index}", each.error_code)
        found[each.partition_index] = Progress(each.start_offset, each.lag)
    return found


async def check_progress(client: Client, facts: ShareFacts, partitions: int, within_ms: int) -> None:
    """After a start the group stands where it stood, or further. Raises Unanswered, Violation.

    A coordinator that is not there yet answers as if it knew nothing, so it gets some time to know better.
    """
    until = client.now + within_ms
    while True:
        try:
            found = await progress(client, partitions)
            late = client.now > until
            if late or all(max(found[each].start, 0) >= facts.start(each) for each in found):
                for partition, each in found.items():
                    facts.told_start(partition, max(each.start, 0))
                return
        except NotNow as error:
            if client.now > until:
                raise Violation(f"nobody knows how far {SHARERS} has come: {error}") from None
        await client.world.clock.sleep(PAUSE_MS)


async def wait_for_the_end(client: Client, ends: dict[int, int], within_ms: int) -> None:
    """Until every record up to the ends is done with. Raises Unanswered, Violation."""
    until = client.now + within_ms
    found: dict[int, Progress] = {}
    while True:
        try:
            found = await progress(client, len(ends))
        except NotNow as error:
            client.note(f"waits: {error}")
        if found and all(found[each].lag == 0 for each, end in ends.items() if end > 0):
            return
        if client.now > until:
            raise Violation(f"{SHARERS} do not come to the end: {found} of {ends}")
        await client.world.clock.sleep(PAUSE_MS)
