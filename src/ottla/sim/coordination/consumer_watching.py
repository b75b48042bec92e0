"""The consumer group seen from outside: what each of its members has, and when all has come to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.consumer_group_describe import (
    Assignment,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)
from ottla.sim.coordination.asking import CONSUMERS, NotNow, check
from ottla.sim.coordination.consumer_facts import ConsumerFacts, Spot
from ottla.sim.coordination.consumer_member import ConsumerMember
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

PAUSE_MS: Final = 500
STABLE: Final = "Stable"


async def look(client: Client, facts: ConsumerFacts) -> DescribedGroup:
    """What the coordinator knows. Raises Unanswered, NotNow, Violation."""
    request = ConsumerGroupDescribeRequest(group_ids=[CONSUMERS])
    found = (await client.call(request, ConsumerGroupDescribeResponse)).groups[0]
    if check(f"a look at {CONSUMERS}", found.error_code, ErrorCode.GROUP_ID_NOT_FOUND):
        raise NotNow(f"there is no group {CONSUMERS}")
    facts.described({each.member_id: spots(each.assignment) for each in found.members})
    return found


def spots(assignment: Assignment) -> list[Spot]:
    return [(each.topic_name, index) for each in assignment.topic_partitions for index in each.partitions]


async def wait_for_rest(
    client: Client,
    facts: ConsumerFacts,
    members: Sequence[ConsumerMember],
    counts: Mapping[str, int],
    within_ms: int,
) -> None:
    """Until every partition that somebody reads belongs to one living member, and nobody waits for anything. `counts`:
    topic → its partitions. Raises Unanswered, Violation."""
    until = client.now + within_ms
    wrong: str | None = "nobody has answered"
    while True:
        try:
            wrong = unrest(await look(client, facts), members, counts)
        except NotNow as error:
            wrong = str(error)
        if wrong is None:
            facts.reached["consumer groups at rest"] += 1
            return
        if client.now > until:
            raise Violation(f"{CONSUMERS} do not come to rest: {wrong}")
        await client.world.clock.sleep(PAUSE_MS)


def unrest(found: DescribedGroup, members: Sequence[ConsumerMember], counts: Mapping[str, int]) -> str | None:
    """What is not yet as it is to be in the end."""
    if found.group_state != STABLE:
        return f"the group is {found.group_state}"
    alive = {each.id: each for each in members}
    described = {each.member_id: spots(each.assignment) for each in found.members}
    if described.keys() != alive.keys():
        return f"the group has members {sorted(described)}, alive are {sorted(alive)}"
    for member_id, member in alive.items():
        if sorted(described[member_id]) != sorted(member.membership.owned):
            return f"{member_id} has {sorted(member.membership.owned)}, described is {sorted(described[member_id])}"
    wanted = {
        (topic, index)
        for topic in frozenset().union(*(each.subscription.topics for each in members))
        for index in range(counts[topic])
    }
    owned = [spot for share in described.values() for spot in share]
    if sorted(owned) != sorted(wanted):
        return f"owned is {sorted(owned)}, read is {sorted(wanted)}"
    return None
