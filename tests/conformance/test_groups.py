"""Classic consumer groups: members share partitions, hand them over, and go on where the group was."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.confluent import confluent_kafka, producer
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.members import QUICK, Member
from tests.samples import SECONDS
from tests.waiting import until

aiokafka = pytest.importorskip("aiokafka")
pytest.importorskip("aiokafka.admin")
kafka_python = pytest.importorskip("kafka")
admin_api = pytest.importorskip("confluent_kafka.admin")

LIBRDKAFKA, AIOKAFKA, KAFKA_PYTHON = "confluent-kafka", "aiokafka", "kafka-python"
PARTITIONS = 6


def new_group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


def fill(broker: Broker, topic: str, count: int, start: int = 0) -> None:
    client = producer(broker.bootstrap)
    for number in range(start, start + count):
        client.produce(topic, str(number), partition=number % PARTITIONS)
    assert client.flush(SECONDS) == 0


@covers(LIBRDKAFKA, "group-sharing")
@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_members_share_the_partitions_and_take_over_from_who_leaves(broker: Broker, strategy: str) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    settings = {"partition.assignment.strategy": strategy}
    fill(broker, topic, 60)
    first = Member(broker, topic, group, **settings)
    until(lambda: len(first.assigned) == PARTITIONS, "the first member has not got everything")
    second = Member(broker, topic, group, **settings)
    until(
        lambda: len(first.assigned) == len(second.assigned) == PARTITIONS // 2,
        "the two members do not share",
    )
    assert not first.assigned & second.assigned
    fill(broker, topic, 60, start=60)
    until(lambda: set(first.values + second.values) == set(range(120)), "records are missing")
    second.leave()
    until(lambda: len(first.assigned) == PARTITIONS, "the first member has not taken over")
    first.leave()
    assert sorted(first.values + second.values) == list(range(120)), "a record was read twice"


@covers(LIBRDKAFKA, "group-resume")
def test_a_group_goes_on_where_it_committed(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)
    before = Member(broker, topic, group)
    until(lambda: len(before.values) == 60, "records are missing")
    before.leave()
    fill(broker, topic, 6, start=60)
    after = Member(broker, topic, group)
    until(lambda: len(after.values) >= 6, "records are missing")
    after.leave()
    assert sorted(after.values) == list(range(60, 66))


STUCK = """
import json, sys, time
import confluent_kafka

consumer = confluent_kafka.Consumer(json.loads(sys.argv[1]))
consumer.subscribe([sys.argv[2]])
while not consumer.assignment():
    consumer.poll(0.1)
print("assigned", flush=True)
time.sleep(600)
"""
"""A process of its own, ended by killing it: librdkafka may wait for ever when it closes what has just lost its partitions."""


def test_a_member_that_is_stuck_is_replaced_after_its_poll_interval(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    settings = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": group,
        "max.poll.interval.ms": 6000,
        **QUICK,
    }
    command = [sys.executable, "-c", STUCK, json.dumps(settings), topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stuck:
        try:
            assert stuck.stdout is not None
            assert stuck.stdout.readline() == b"assigned\n"
            # It polls no more: librdkafka itself leaves on its behalf when max.poll.interval.ms is over.
            heir = Member(broker, topic, group)
            until(
                lambda: len(heir.assigned) == PARTITIONS, "the stuck member's partitions were not handed over"
            )
            heir.leave()
        finally:
            stuck.kill()


def test_a_static_member_comes_back_to_its_partitions_without_a_rebalance(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    static = Member(broker, topic, group, **{"group.instance.id": "desk-1"})
    other = Member(broker, topic, group, **{"group.instance.id": "desk-2"})
    until(lambda: len(static.assigned) == len(other.assigned) == PARTITIONS // 2, "the two do not share")
    held = set(static.assigned)
    generation = _generation(broker, group)
    static.leave()  # a static member leaves silently
    again = Member(broker, topic, group, **{"group.instance.id": "desk-1"})
    until(lambda: again.assigned == held, "it did not get its partitions back")
    assert _generation(broker, group) == generation
    again.leave()
    other.leave()


def _generation(broker: Broker, group: str) -> set[str]:
    """What tells one generation of members from another: their ids without the part that a restart changes."""
    admin = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})
    described = admin.describe_consumer_groups([group])[group].result(SECONDS)
    return {
        f"{member.group_instance_id} {sorted(each.partition for each in member.assignment.topic_partitions)}"
        for member in described.members
    }


@covers(LIBRDKAFKA, "group-admin")
def test_what_administrators_see_and_delete(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)
    admin = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})
    member = Member(broker, topic, group, **{"client.id": "reader"})
    until(lambda: len(member.values) == 60, "records are missing")
    listed = {each.group_id: each for each in admin.list_consumer_groups().result(SECONDS).valid}
    assert listed[group].state.name == "STABLE"
    described = admin.describe_consumer_groups([group])[group].result(SECONDS)
    assert (described.partition_assignor, len(described.members)) == ("range", 1)
    assert described.members[0].client_id == "reader"
    assert len(described.members[0].assignment.topic_partitions) == PARTITIONS
    with pytest.raises(confluent_kafka.KafkaException, match="NON_EMPTY_GROUP"):
        admin.delete_consumer_groups([group])[group].result(SECONDS)
    member.leave()
    offsets = admin.list_consumer_group_offsets([confluent_kafka.ConsumerGroupTopicPartitions(group)])
    committed = offsets[group].result(SECONDS).topic_partitions
    assert {each.partition: each.offset for each in committed} == dict.fromkeys(range(PARTITIONS), 10)
    wanted = [confluent_kafka.TopicPartition(topic, 3, 2)]
    altered = admin.alter_consumer_group_offsets(
        [confluent_kafka.ConsumerGroupTopicPartitions(group, wanted)]
    )
    assert altered[group].result(SECONDS).topic_partitions[0].error is None
    admin.delete_consumer_groups([group])[group].result(SECONDS)
    assert group not in {each.group_id for each in admin.list_consumer_groups().result(SECONDS).valid}


def test_commits_that_are_refused(broker: Broker) -> None:
    topic, group = broker.topic(1), new_group()
    reader = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    with pytest.raises(confluent_kafka.KafkaException, match="UNKNOWN_TOPIC_OR_PART"):
        reader.commit(offsets=[confluent_kafka.TopicPartition(topic, 9, 1)], asynchronous=False)
    long = confluent_kafka.TopicPartition(topic, 0, 1, "x" * 5000)
    with pytest.raises(confluent_kafka.KafkaException, match="OFFSET_METADATA_TOO_LARGE"):
        reader.commit(offsets=[long], asynchronous=False)
    fine = confluent_kafka.TopicPartition(topic, 0, 7, "read up to here")
    reader.commit(offsets=[fine], asynchronous=False)
    (told,) = reader.committed([confluent_kafka.TopicPartition(topic, 0)], SECONDS)
    assert (told.offset, told.metadata) == (7, "read up to here")
    reader.close()


# -- other clients


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 3 * SECONDS))


@covers(AIOKAFKA, "group-sharing", "group-resume", "group-admin")
def test_aiokafka_members_share_and_commit(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)

    def member() -> Any:
        return aiokafka.AIOKafkaConsumer(
            topic,
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
            metadata_max_age_ms=1000,
        )

    async def scenario() -> None:
        first, second = member(), member()
        await first.start()
        await second.start()
        seen: list[int] = []
        try:
            while len(seen) < 60:
                for each in (first, second):
                    for records in (await each.getmany(timeout_ms=100)).values():
                        seen += [int(record.value) for record in records]
            while not first.assignment() or not second.assignment():
                await asyncio.gather(first.getmany(timeout_ms=100), second.getmany(timeout_ms=100))
            assert len(first.assignment()) + len(second.assignment()) == PARTITIONS
            await first.commit()
            await second.commit()
        finally:
            await first.stop()
            await second.stop()
        assert set(seen) == set(range(60))
        await admin_view()
        fill(broker, topic, 6, start=60)
        again = member()
        await again.start()
        try:
            late = [int((await again.getone()).value) for _ in range(6)]
        finally:
            await again.stop()
        assert sorted(late) == list(range(60, 66))

    async def admin_view() -> None:
        client = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await client.start()
        try:
            assert (group, "consumer") in await client.list_consumer_groups()
            (described,) = await client.describe_consumer_groups([group])
            assert described.groups[0][1:3] == (group, "Empty")
            offsets = await client.list_consumer_group_offsets(group)
            assert sum(each.offset for each in offsets.values()) == 60
        finally:
            await client.close()

    run(scenario())
    admin = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})
    offsets = admin.list_consumer_group_offsets([confluent_kafka.ConsumerGroupTopicPartitions(group)])
    committed = offsets[group].result(SECONDS).topic_partitions
    assert sum(each.offset for each in committed) == 66


@covers(KAFKA_PYTHON, "group-resume")
def test_kafka_python_reads_in_a_group_and_goes_on(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)

    def read(count: int) -> list[int]:
        client = kafka_python.KafkaConsumer(
            topic,
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
            consumer_timeout_ms=SECONDS * 1000,
        )
        values = [int(each.value) for _, each in zip(range(count), client, strict=False)]
        client.commit()
        client.close()
        return values

    assert sorted(read(60)) == list(range(60))
    fill(broker, topic, 6, start=60)
    assert sorted(read(6)) == list(range(60, 66))


@covers(KAFKA_PYTHON, "group-sharing", "group-admin")
def test_kafka_python_members_share_and_are_described(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)

    def member() -> Any:
        return kafka_python.KafkaConsumer(
            topic,
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
            enable_auto_commit=False,
        )

    def held(*members: Any) -> list[int]:
        for each in members:
            each.poll(timeout_ms=50)
        return sorted(len(each.assignment()) for each in members)

    first, second = member(), member()
    until(lambda: held(first, second) == [3, 3], "the two members do not share")
    second.close()
    until(lambda: held(first) == [PARTITIONS], "the first member has not taken over")
    admin = kafka_python.KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        described = admin.describe_groups([group])[group]
        assert (described["group_state"], len(described["members"])) == ("Stable", 1)
        first.seek_to_end()
        until(lambda: sum(map(first.position, first.assignment())) == 60, "it is not at the end")
        first.commit()
        first.close()
        assert sum(each.offset for each in admin.list_group_offsets(group)[group].values()) == 60
        assert group in {each["group_id"] for each in admin.list_groups()}
        admin.delete_groups([group])
        assert group not in {each["group_id"] for each in admin.list_groups()}
    finally:
        admin.close()
