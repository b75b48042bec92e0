"""Groups and transactions at work while their node changes from one product to the other and back: nobody notices.

Members, committed offsets, producers' epochs and open transactions live in `__consumer_offsets` and
`__transaction_state`. The clients stay connected to the same port; all they see is a node that was away for a moment.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import pytest

from tests import waiting
from tests.confluent import admin_api, confluent_kafka, producer
from tests.members import Member, leave
from tests.nodes import Node, Product
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(300)
until = partial(waiting.until, seconds=4 * SECONDS)

PARTITIONS = 6
TOPIC, OUT, GROUP = "orders", "shipped", "clerks"
QUICK_ABORT = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}


@pytest.fixture
def busy(node: Node) -> Node:
    node.properties.update(QUICK_ABORT)
    node.write_config()
    return node


PATIENT_WITH_A_MOVE: Final = {"reconnect.backoff.max.ms": 500, "log_level": 0}
"""A client that sees its node go looks for the next one soon, and does not complain."""
MEMBER: Final = {
    **PATIENT_WITH_A_MOVE,
    "isolation.level": "read_committed",
    "session.timeout.ms": 30_000,
    "heartbeat.interval.ms": 500,
}


def transactional(node: Node, name: str, **settings: Any) -> Any:
    client = producer(
        node.bootstrap,
        **{**PATIENT_WITH_A_MOVE, "transactional.id": name, **settings},
    )
    client.init_transactions(2 * SECONDS)
    return client


class Office:
    """All that is under way on a node: a group with two members, and three transactions."""

    def __init__(self, node: Node) -> None:
        self.node = node
        admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
        topics = [admin_api.NewTopic(name, PARTITIONS, 1) for name in (TOPIC, OUT)]
        for made in admin.create_topics(topics).values():
            made.result(SECONDS)
        self.written = 0
        self.steady = producer(node.bootstrap, **{**PATIENT_WITH_A_MOVE, "enable.idempotence": True})
        self.members = [
            Member(node, TOPIC, GROUP, **{**MEMBER, "client.id": name}) for name in ("anna", "ben")
        ]
        until(lambda: self.shares == [3, 3], "the members do not share")
        self.write()
        until(self.all_read, "records are missing")
        self.stays_open = transactional(node, "stays open")
        self.begin(self.stays_open, "kept", offset=4)
        self.is_left = transactional(node, "is left", **{"transaction.timeout.ms": 20_000})
        self.begin(self.is_left, "dropped", offset=5)
        self.has_ended = transactional(node, "has ended")
        self.begin(self.has_ended, "done", offset=6)
        self.has_ended.commit_transaction(SECONDS)

    @property
    def shares(self) -> list[int]:
        return [len(each.assigned) for each in self.members]

    def write(self, count: int = 60) -> None:
        for _ in range(count):
            self.steady.produce(TOPIC, str(self.written), partition=self.written % PARTITIONS)
            self.written += 1
        assert self.steady.flush(2 * SECONDS) == 0

    def all_read(self) -> bool:
        return {value for each in self.members for value in each.values} == set(range(self.written))

    def begin(self, client: Any, value: str, offset: int) -> None:
        """A record and an offset of a group of its own, neither of them committed."""
        client.begin_transaction()
        client.produce(OUT, value, partition=0)
        client.flush(SECONDS)
        reader = confluent_kafka.Consumer({"bootstrap.servers": self.node.bootstrap, "group.id": value})
        place = confluent_kafka.TopicPartition(TOPIC, 0, offset)
        client.send_offsets_to_transaction([place], reader.consumer_group_metadata(), SECONDS)
        reader.close()

    def member_ids(self) -> set[str]:
        # An admin client of librdkafka that saw its node go may never answer again; members and producers do.
        admin = admin_api.AdminClient({"bootstrap.servers": self.node.bootstrap})
        described = admin.describe_consumer_groups([GROUP])[GROUP].result(2 * SECONDS)
        assert described.state.name == "STABLE"
        return {each.member_id for each in described.members}

    def offset(self, group: str) -> int:
        """What the group has committed for partition 0, once it is settled; -1001 stands for nothing."""
        reader = confluent_kafka.Consumer({"bootstrap.servers": self.node.bootstrap, "group.id": group})
        (found,) = reader.committed([confluent_kafka.TopicPartition(TOPIC, 0)], 2 * SECONDS)
        reader.close()
        offset: int = found.offset
        return offset

    def shipped(self) -> list[str]:
        """What a reader of committed records sees, as far as it gets."""
        reader = confluent_kafka.Consumer(
            {"bootstrap.servers": self.node.bootstrap, "group.id": "x", "isolation.level": "read_committed"}
        )
        reader.assign([confluent_kafka.TopicPartition(OUT, 0, 0)])
        found = [each.value().decode() for each in reader.consume(20, 2) if each.error() is None]
        reader.close()
        return found

    def close(self) -> None:
        leave(*self.members)


def move(node: Node, product: Product, sudden: bool) -> None:
    if sudden:
        node.kill()
    else:
        node.stop()
    node.start(product)


@pytest.mark.parametrize("sudden", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("way", ["there", "here"])
def test_clients_go_on_where_they_were(
    busy: Node, product: Product, apache: Product, way: str, sudden: bool
) -> None:
    first, second = (product, apache) if way == "there" else (apache, product)
    busy.start(first)
    office = Office(busy)
    try:
        members, changes = office.member_ids(), [each.changes for each in office.members]
        move(busy, second, sudden)
        office.write()
        until(office.all_read, "records are missing after the move")
        assert office.member_ids() == members, "the members had to join anew"
        assert [each.changes for each in office.members] == changes, "partitions were handed over"
        # The transaction that was open is committed by the producer that began it, and that producer goes on.
        office.stays_open.commit_transaction(2 * SECONDS)
        assert office.offset("kept") == 4
        office.begin(office.has_ended, "done again", offset=16)
        office.has_ended.commit_transaction(2 * SECONDS)
        assert (office.offset("done"), office.offset("done again")) == (6, 16)
        # Nobody ends the other one: its time runs out, and readers get past it.
        until(lambda: office.shipped() == ["kept", "done", "done again"], "a transaction holds readers up")
        assert office.offset("dropped") < 0
        # Who begins under its id is its next producer.
        heir = transactional(busy, "is left")
        office.begin(heir, "by the heir", offset=25)
        heir.commit_transaction(2 * SECONDS)
        with pytest.raises(confluent_kafka.KafkaException):
            office.is_left.commit_transaction(2 * SECONDS)
        assert office.shipped()[-1] == "by the heir"
        move(busy, first, sudden)
        office.write()
        until(office.all_read, "records are missing after the way back")
        assert office.member_ids() == members
        assert office.offset("by the heir") == 25
    finally:
        office.close()
    assert busy.stop() in (0, 143)
