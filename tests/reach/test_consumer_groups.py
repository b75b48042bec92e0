"""Consumer groups (KIP-848) at work while their node changes from one product to the other and back.

Every record that one product wrote about a group, the other has to read: subscriptions by name and by pattern, a static
member, a classic one, epochs and what everybody has. Nobody is fenced and nothing moves.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.confluent import admin_api, producer
from tests.members import Member, leave
from tests.nodes import Node, Product
from tests.reach.test_coordinators import PATIENT_WITH_A_MOVE, move, until
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(300)

PARTITIONS = 8
TOPIC, GROUP = "orders", "clerks"
QUICK = {
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "group.consumer.assignment.interval.ms": "0",
}
NEW = {**PATIENT_WITH_A_MOVE, "group.protocol": "consumer"}
CLASSIC = {
    **PATIENT_WITH_A_MOVE,
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 45_000,
    "heartbeat.interval.ms": 500,
}


def read(*readers: Member) -> set[int]:
    return {value for each in readers for value in each.values}


def described(node: Node) -> Any:
    """Type, state and assignor of the group, and who has what."""
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    found = admin.describe_consumer_groups([GROUP])[GROUP].result(2 * SECONDS)
    return (
        found.type,
        found.state,
        found.partition_assignor,
        sorted(
            (
                each.member_id,
                each.group_instance_id,
                sorted(place.partition for place in each.assignment.topic_partitions),
            )
            for each in found.members
        ),
    )


def write(node: Node, start: int) -> None:
    client = producer(node.bootstrap, log_level=0)
    for number in range(start, start + 80):
        client.produce(TOPIC, str(number), partition=number % PARTITIONS)
    assert client.flush(SECONDS) == 0


@pytest.mark.parametrize("sudden", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("way", ["there", "here"])
def test_members_go_on_with_what_they_had(
    node: Node, product: Product, apache: Product, way: str, sudden: bool
) -> None:
    first, second = (product, apache) if way == "there" else (apache, product)
    node.properties.update(QUICK)
    node.write_config()
    node.start(first)
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    admin.create_topics([admin_api.NewTopic(TOPIC, PARTITIONS, 1)])[TOPIC].result(SECONDS)
    readers = [
        Member(node, TOPIC, GROUP, **CLASSIC),
        Member(node, TOPIC, GROUP, **NEW),
        Member(node, f"^{TOPIC}$", GROUP, **NEW),
        Member(node, TOPIC, GROUP, **{**NEW, "group.instance.id": "desk"}),
    ]
    try:
        until(lambda: [len(each.assigned) for each in readers] == [2, 2, 2, 2], "they do not share")
        write(node, 0)
        until(lambda: read(*readers) == set(range(80)), "records are missing")
        until(lambda: described(node)[1].name == "STABLE", "the group is not at rest")
        before, changes = described(node), [each.changes for each in readers]
        move(node, second, sudden)
        write(node, 80)
        until(lambda: read(*readers) == set(range(160)), "records are missing")
        assert described(node) == before
        move(node, first, sudden)
        write(node, 160)
        until(lambda: read(*readers) == set(range(240)), "records are missing")
        assert described(node) == before
        assert [each.changes for each in readers] == changes, "partitions were handed over"
        readers.pop(1).leave()
        until(lambda: sum(len(each.assigned) for each in readers) == PARTITIONS, "nobody took over")
    finally:
        leave(*readers)
    assert node.stop() in (0, 143)
