"""Consumer groups (KIP-848) with librdkafka, and with Kafka's tools while members are there."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.confluent import admin_api, confluent_kafka
from tests.conformance.broker import Broker
from tests.conformance.test_group_tools import CONSUMER_GROUPS, GROUPS, table
from tests.conformance.test_groups import PARTITIONS, fill, new_group
from tests.conformance.test_java_tools import ask
from tests.members import Member, leave
from tests.nodes import Node, Product
from tests.waiting import until

SETTINGS = {
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.assignment.interval.ms": "0",
    "offsets.topic.num.partitions": "2",
}
CONSUMER = {"group.protocol": "consumer"}
ALL = set(range(PARTITIONS))

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def quick(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A node whose consumer groups come together fast."""
    node = Node(Path(tmp_path_factory.mktemp("consumers")), product, SETTINGS)
    node.start()
    yield Broker(node)
    node.kill()


def described(broker: Broker, group: str) -> Any:
    admin = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})
    return admin.describe_consumer_groups([group])[group].result()


def shared(*members: Member) -> bool:
    """Whether all partitions are with the members, each with as many as the others, give or take one."""
    counts = [len(each.assigned) for each in members]
    together = set().union(*(each.assigned for each in members))
    return together == ALL and sum(counts) == PARTITIONS and max(counts) - min(counts) <= 1


def test_members_share_and_take_over(quick: Broker) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    fill(quick, topic, 60)
    first = Member(quick, topic, group, **CONSUMER)
    until(lambda: len(first.values) == 60, "records are missing")
    second, third = (Member(quick, topic, group, **CONSUMER) for _ in range(2))
    until(lambda: shared(first, second, third), "they do not share")
    fill(quick, topic, 60, start=60)
    until(lambda: sum(len(each.values) for each in (first, second, third)) >= 120, "records are missing")
    second.leave()
    until(lambda: shared(first, third), "nobody took over")
    leave(first, third)
    values = first.values + second.values + third.values
    assert sorted(values) == list(range(120)), "each record once, as what was read is committed when it moves"


def test_a_group_goes_on_where_it_committed(quick: Broker) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    fill(quick, topic, 60)
    first = Member(quick, topic, group, **CONSUMER)
    until(lambda: len(first.values) == 60, "records are missing")
    first.leave()
    fill(quick, topic, 6, start=60)
    again = Member(quick, topic, group, **CONSUMER)
    until(lambda: len(again.values) >= 6, "records are missing")
    again.leave()
    assert sorted(again.values) == list(range(60, 66))


def test_a_lost_member_is_found_by_its_silence(quick: Broker) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    first = Member(quick, topic, group, **CONSUMER)
    # It stays when its consumer is closed, as static members do, and nobody comes back for it.
    second = Member(quick, topic, group, **CONSUMER, **{"group.instance.id": "desk"})
    until(lambda: shared(first, second), "they do not share")
    second.leave()
    until(lambda: first.assigned == ALL, "nobody took over")
    first.leave()


def test_a_static_member_comes_back_to_what_it_had(quick: Broker) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    first = Member(quick, topic, group, **CONSUMER)
    second = Member(quick, topic, group, **CONSUMER, **{"group.instance.id": "desk"})
    until(lambda: shared(first, second), "they do not share")
    had = set(second.assigned)
    second.leave()
    again = Member(quick, topic, group, **CONSUMER, **{"group.instance.id": "desk"})
    until(lambda: again.assigned == had, "it has something else")
    assert first.assigned == ALL - had
    leave(first, again)


def test_topics_by_pattern(quick: Broker) -> None:
    stem, group = f"pattern-{uuid.uuid4().hex[:8]}", new_group()
    admin = admin_api.AdminClient({"bootstrap.servers": quick.bootstrap})

    def create(name: str) -> None:
        admin.create_topics([admin_api.NewTopic(name, PARTITIONS, 1)])[name].result()

    create(f"{stem}-a")
    member = Member(quick, f"^{stem}-.*", group, **CONSUMER)
    until(lambda: member.assigned == ALL, "the topic was not found")
    (described_member,) = described(quick, group).members
    assert len(described_member.assignment.topic_partitions) == PARTITIONS
    create(f"{stem}-b")
    until(
        lambda: len(described(quick, group).members[0].assignment.topic_partitions) == 2 * PARTITIONS,
        "the topic that came later was not found",
    )
    member.leave()


def test_new_partitions_are_shared_out(quick: Broker) -> None:
    topic, group = quick.topic(2), new_group()
    member = Member(quick, topic, group, **CONSUMER)
    until(lambda: member.assigned == {0, 1}, "it has no partitions")
    admin = admin_api.AdminClient({"bootstrap.servers": quick.bootstrap})
    admin.create_partitions([admin_api.NewPartitions(topic, 5)])[topic].result()
    until(lambda: member.assigned == {0, 1, 2, 3, 4}, "the new partitions were not shared out")
    member.leave()


@pytest.mark.parametrize("assignor", ["uniform", "range"])
def test_a_member_chooses_the_assignor(quick: Broker, assignor: str) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    settings = {**CONSUMER, "group.remote.assignor": assignor}
    members = [Member(quick, topic, group, **settings) for _ in range(2)]
    until(lambda: shared(*members), "they do not share")
    assert described(quick, group).partition_assignor == assignor
    if assignor == "range":
        assert {frozenset(each.assigned) for each in members} == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}
    leave(*members)


def test_an_unknown_assignor_is_refused(quick: Broker) -> None:
    client = confluent_kafka.Consumer(
        {
            "bootstrap.servers": quick.bootstrap,
            "group.id": new_group(),
            **CONSUMER,
            "group.remote.assignor": "by-the-moon",
        }
    )
    client.subscribe([quick.topic()])
    said = ""
    deadline = time.monotonic() + 10
    while not said and time.monotonic() < deadline:
        message = client.poll(0.1)
        if message is not None and message.error() is not None:
            said = message.error().str()
    client.close()
    assert "The assignor or its version range is not supported" in said


@pytest.mark.parametrize(("strategy", "count"), [("range", 2), ("cooperative-sticky", 1)])
def test_a_live_group_changes_to_the_new_protocol_and_back(quick: Broker, strategy: str, count: int) -> None:
    """Every record is read once, whichever protocol its reader speaks at the time.

    With librdkafka's cooperative-sticky assignor one member alone: from its second rebalance on the assignments hold data of
    the assignor's own, and then a group stays as it is (with Apache Kafka too).
    """
    topic, group = quick.topic(PARTITIONS), new_group()
    old = [Member(quick, topic, group, **{"partition.assignment.strategy": strategy}) for _ in range(count)]
    until(lambda: shared(*old), "they do not share")
    assert described(quick, group).type == confluent_kafka.ConsumerGroupType.CLASSIC
    fill(quick, topic, 60)

    new = Member(quick, topic, group, **CONSUMER)
    until(lambda: shared(*old, new), "they do not share across protocols")
    assert described(quick, group).type == confluent_kafka.ConsumerGroupType.CONSUMER
    fill(quick, topic, 60, start=60)
    until(lambda: sum(len(each.values) for each in (*old, new)) >= 120, "records are missing")

    new.leave()
    until(lambda: shared(*old), "the classic members did not take over")
    assert described(quick, group).type == confluent_kafka.ConsumerGroupType.CLASSIC
    fill(quick, topic, 60, start=120)
    until(lambda: sum(len(each.values) for each in (*old, new)) >= 180, "records are missing")
    leave(*old)
    assert sorted(value for each in (*old, new) for value in each.values) == list(range(180))


def test_what_kafkas_tools_say_of_a_live_group(quick: Broker) -> None:
    topic, group = quick.topic(PARTITIONS), new_group()
    fill(quick, topic, 60)
    member = Member(quick, topic, group, **CONSUMER, **{"client.id": "reader"})
    until(lambda: len(member.values) == 60, "records are missing")
    try:
        about = ["--describe", "--group", group]
        (line,) = table(ask(quick, CONSUMER_GROUPS, *about, "--members", "--verbose"))
        assert (line["GROUP"], line["CLIENT-ID"], line["#PARTITIONS"]) == (group, "reader", str(PARTITIONS))
        assert line["CURRENT-EPOCH"] == line["TARGET-EPOCH"] == "2"
        assert line["CURRENT-ASSIGNMENT"] == line["TARGET-ASSIGNMENT"] == f"{topic}:0,1,2,3,4,5"
        state = ask(quick, CONSUMER_GROUPS, *about, "--state", "--verbose")
        assert re.search(rf"^{group}\s+\S+\s+\(1\)\s+uniform\s+Stable\s+2\s+2\s+1\s*$", state, re.MULTILINE)
        until(lambda: lag(quick, group) == 0, "the offsets were not committed")
        listed = ask(quick, GROUPS, "--list", "--consumer")
        assert re.search(rf"^{group}\s+Consumer\s+consumer\s*$", listed, re.MULTILINE)
        refused = ask(quick, CONSUMER_GROUPS, "--delete", "--group", group, check=False)
        assert "GroupNotEmptyException" in refused
    finally:
        member.leave()
    told = ask(quick, CONSUMER_GROUPS, "--delete", "--group", group)
    assert f"Deletion of requested consumer groups ('{group}') was successful" in told


def lag(broker: Broker, group: str) -> int:
    lines = table(ask(broker, CONSUMER_GROUPS, "--describe", "--group", group))
    return sum(int(line["LAG"]) if line["LAG"].isdigit() else 1 for line in lines)
