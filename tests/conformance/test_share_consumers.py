"""Share groups with librdkafka's share consumer: everything is delivered, to one member at a time, until it is accepted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.confluent import admin_api, confluent_kafka, producer
from tests.conformance.broker import Broker
from tests.conformance.share_node import SETTINGS
from tests.nodes import Node, Product
from tests.samples import SECONDS

if not hasattr(confluent_kafka, "ShareConsumer"):
    pytest.skip("needs confluent-kafka 2.16 or newer: it brings a share consumer", allow_module_level=True)

ACCEPT, RELEASE, REJECT = (
    confluent_kafka.AcknowledgeType.ACCEPT,
    confluent_kafka.AcknowledgeType.RELEASE,
    confluent_kafka.AcknowledgeType.REJECT,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shared(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A node whose share groups come together fast."""
    node = Node(Path(tmp_path_factory.mktemp("share")), product, SETTINGS)
    node.start()
    yield Broker(node)
    node.kill()


def share_group(broker: Broker, **configs: str) -> str:
    """A new group that begins with the first record."""
    group = f"sharers-{uuid.uuid4()}"
    entries = {"share_auto_offset_reset": "earliest", **configs}
    resource = admin_api.ConfigResource(
        admin_api.ResourceType.GROUP,
        group,
        incremental_configs=[
            admin_api.ConfigEntry(
                name.replace("_", "."), value, incremental_operation=admin_api.AlterConfigOpType.SET
            )
            for name, value in entries.items()
        ],
    )
    admin = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(SECONDS)
    return group


def fill(broker: Broker, topic: str, count: int, partitions: int = 1, first: int = 0) -> list[bytes]:
    values = [f"{number}".encode() for number in range(first, first + count)]
    client = producer(broker.bootstrap)
    for number, value in enumerate(values):
        client.produce(topic, value, partition=number % partitions)
    assert client.flush(SECONDS) == 0
    return values


def member(broker: Broker, topic: str, group: str, **settings: Any) -> Any:
    client = confluent_kafka.ShareConsumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": group, "log_level": 3, **settings}
    )
    client.subscribe([topic])
    return client


def explicit(broker: Broker, topic: str, group: str) -> Any:
    return member(broker, topic, group, **{"share.acknowledgement.mode": "explicit"})


def polled(client: Any, seconds: float = 0.5) -> list[Any]:
    """What one poll gave."""
    found = list(client.poll(seconds))
    for each in found:
        assert each.error() is None, each.error()
    return found


def until(client: Any, enough: Callable[[list[Any]], bool], each: Callable[[Any], None]) -> list[Any]:
    """Poll, and do `each` with every record, until there are enough."""
    got: list[Any] = []
    end = time.monotonic() + SECONDS
    while not enough(got):
        assert time.monotonic() < end, f"only {len(got)} came: {[record.value() for record in got[:20]]}"
        fresh = polled(client)
        for record in fresh:
            each(record)
        got += fresh
        for problem in client.commit_sync(SECONDS).values() if fresh else ():
            assert problem is None, problem
    return got


def hold(client: Any, count: int) -> list[Any]:
    """One poll that gives so many records, about which nothing is said yet."""
    end = time.monotonic() + SECONDS
    while not (held := polled(client)):
        assert time.monotonic() < end, "nothing came"
    assert len(held) == count
    return held


def read(client: Any, count: int) -> list[bytes]:
    """So many records, accepted."""
    return [each.value() for each in until(client, lambda got: len(got) >= count, lambda record: None)]


def test_every_record_once_and_none_again(shared: Broker) -> None:
    topic, group = shared.topic(3), share_group(shared)
    values = fill(shared, topic, 300, 3)
    with member(shared, topic, group) as client:
        assert sorted(read(client, 300)) == sorted(values)
    fresh = fill(shared, topic, 5, first=1_000)
    with member(shared, topic, group) as client:
        assert sorted(read(client, 5)) == sorted(fresh)


def test_released_records_come_again_and_rejected_ones_do_not(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, 9)
    deliveries: dict[bytes, int] = {}
    with explicit(shared, topic, group) as client:

        def decide(record: Any) -> None:
            value = record.value()
            deliveries[value] = deliveries.get(value, 0) + 1
            kind = (ACCEPT, RELEASE, REJECT)[int(value) % 3]
            client.acknowledge(record, ACCEPT if deliveries[value] > 1 else kind)

        until(client, lambda got: len(got) >= 12, decide)
        assert polled(client, 1) == []
    assert deliveries == {str(number).encode(): 2 if number % 3 == 1 else 1 for number in range(9)}


def test_a_record_is_given_up_after_so_many_deliveries(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_delivery_count_limit="3")
    fill(shared, topic, 1)
    with explicit(shared, topic, group) as client:
        got = until(client, lambda got: len(got) >= 3, lambda record: client.acknowledge(record, RELEASE))
        assert len(got) == 3
        fresh = fill(shared, topic, 1, first=77)
        (last,) = until(client, lambda got: len(got) >= 1, lambda record: client.acknowledge(record, ACCEPT))
        assert last.value() == fresh[0]


def test_two_members_never_hold_the_same_record(shared: Broker) -> None:
    topic, group = shared.topic(2), share_group(shared)
    clients = [explicit(shared, topic, group) for _ in range(2)]
    values = fill(shared, topic, 200, 2)
    seen: list[bytes] = []
    end = time.monotonic() + SECONDS
    try:
        while len(seen) < 200:
            assert time.monotonic() < end, f"only {len(seen)} came"
            for client in clients:
                for record in polled(client, 0.2):
                    seen.append(record.value())
                    client.acknowledge(record, ACCEPT)
                client.commit_sync(SECONDS)
    finally:
        for client in clients:
            client.close()
    assert sorted(seen) == sorted(values)


def test_a_lock_ends_and_another_member_gets_the_record(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_record_lock_duration_ms="1000")
    fill(shared, topic, 3)
    slow, quick = explicit(shared, topic, group), explicit(shared, topic, group)
    try:
        first = hold(slow, 3)
        second = hold(quick, 3)
        assert sorted(each.value() for each in second) == [b"0", b"1", b"2"]
        for record in first:
            slow.acknowledge(record, ACCEPT)
        assert all(problem is not None for problem in slow.commit_sync(SECONDS).values())
        for record in second:
            quick.acknowledge(record, ACCEPT)
        assert all(problem is None for problem in quick.commit_sync(SECONDS).values())
    finally:
        slow.close()
        quick.close()


def test_who_leaves_lets_its_records_go(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_record_lock_duration_ms="60000")
    fill(shared, topic, 4)
    leaver = explicit(shared, topic, group)
    hold(leaver, 4)
    leaver.close()
    with member(shared, topic, group) as client:
        assert sorted(read(client, 4)) == [b"0", b"1", b"2", b"3"]


def test_accepted_records_stay_accepted_when_the_node_is_killed(product: Product, tmp_path: Path) -> None:
    node = Node(tmp_path / "node", product, SETTINGS)
    node.start()
    try:
        broker = Broker(node)
        topic, group = broker.topic(), share_group(broker)
        fill(broker, topic, 30)
        client = explicit(broker, topic, group)
        done: list[int] = []

        def decide(record: Any) -> None:
            if int(record.value()) % 3:
                client.acknowledge(record, ACCEPT)
                done.append(int(record.value()))
            else:
                client.acknowledge(record, RELEASE)

        until(client, lambda got: len({each.value() for each in got}) == 30, decide)
        node.kill()
        client.close()
        node.start()
        with explicit(broker, topic, group) as client:
            got = until(client, lambda got: len(got) >= 10, lambda record: client.acknowledge(record, ACCEPT))
            assert sorted(int(each.value()) for each in got) == [each for each in range(30) if each % 3 == 0]
            assert polled(client, 1) == []
    finally:
        node.kill()


def test_aborted_records_are_not_delivered_to_who_reads_committed(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared, share_isolation_level="read_committed")
    client = producer(shared.bootstrap, transactional_id=f"t-{group}")
    client.init_transactions(SECONDS)
    for number in range(6):
        client.begin_transaction()
        client.produce(topic, f"{number}")
        assert client.flush(SECONDS) == 0
        if number % 2:
            client.abort_transaction(SECONDS)
        else:
            client.commit_transaction(SECONDS)
    with member(shared, topic, group) as consumer:
        assert sorted(read(consumer, 3)) == [b"0", b"2", b"4"]
        assert polled(consumer, 1) == []
