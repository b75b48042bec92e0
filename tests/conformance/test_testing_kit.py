"""The test kit in the hands of its users: other people's clients at a broker that fails when it is told to."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from ottla.testing import Broker, BrokerFailed
from tests.confluent import admin_api, confluent_kafka, consumer, producer
from tests.members import Member
from tests.samples import SECONDS
from tests.waiting import until

aiokafka = pytest.importorskip("aiokafka")


@pytest.fixture(scope="module", params=["inside", "child"])
def running(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with Broker(child=request.param == "child") as broker:
        yield broker


@pytest.fixture
def broker(running: Broker) -> Broker:
    running.reset()
    return running


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 2 * SECONDS))


def sent(broker: Broker, topic: str, *values: str, **settings: Any) -> list[Any]:
    """The errors (None) of records that confluent-kafka has produced."""
    errors: list[Any] = []
    client = producer(broker.bootstrap_servers, log_level=0, **settings)
    for value in values:
        client.produce(topic, value, on_delivery=lambda error, message: errors.append(error))
    assert client.flush(SECONDS) == 0
    return errors


def read(broker: Broker, topic: str, count: int) -> list[bytes]:
    """So many values of a partition, read by confluent-kafka."""
    client = consumer(broker.bootstrap_servers, log_level=0, enable_partition_eof=False)
    client.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    try:
        return values(client, count)
    finally:
        client.close()


def values(client: Any, count: int) -> list[bytes]:
    """So many values of whatever the consumer reads."""
    found: list[bytes] = []
    deadline = time.monotonic() + SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {found} came"
        found += [each.value() for each in client.consume(100, 0.1) if each.error() is None]
    return found


def leader(broker: Broker, topic: str) -> int:
    client = admin_api.AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    found: int = client.list_topics(topic, timeout=SECONDS).topics[topic].partitions[0].leader
    return found


# -- a broker


def test_confluent_kafka_is_served(broker: Broker) -> None:
    broker.create_topic("orders")
    assert sent(broker, "orders", "tea", "rice") == [None, None]
    assert read(broker, "orders", 2) == [b"tea", b"rice"]


def test_aiokafka_is_served(broker: Broker) -> None:
    broker.create_topic("orders", partitions=3, configs={"cleanup.policy": "compact"})

    async def work() -> bytes:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as out:
            await out.send_and_wait("orders", b"tea", b"ann")
        async with aiokafka.AIOKafkaConsumer(
            "orders", bootstrap_servers=broker.bootstrap_servers, group_id="g", auto_offset_reset="earliest"
        ) as source:
            value: bytes = (await source.getone()).value
            return value

    assert run(work()) == b"tea"


def test_a_reset_forgets_what_users_made_and_keeps_their_connections(broker: Broker) -> None:
    place = broker.bootstrap_servers
    admin = admin_api.AdminClient({"bootstrap.servers": place})
    kind = admin_api.ConfigResource.Type.BROKER
    change = admin_api.ConfigEntry(
        "log.retention.ms", "1234567", incremental_operation=admin_api.AlterConfigOpType.SET
    )
    changed = admin_api.ConfigResource(kind, "1", incremental_configs=[change])
    out = producer(place)
    for _ in range(2):
        broker.create_topic("orders")
        out.produce("orders", "tea")
        assert out.flush(SECONDS) == 0
        member = consumer(place, group_id="billing", auto_offset_reset="earliest")
        member.subscribe(["orders"])
        assert values(member, 1) == [b"tea"], "the offsets of before are still there"
        member.commit(asynchronous=False)
        member.close()
        for each in admin.incremental_alter_configs([changed]).values():
            each.result(SECONDS)
        assert broker.topics() == ["orders"]
        broker.reset()
        assert broker.topics() == []
        assert admin.list_consumer_groups().result(SECONDS).valid == []
        node = admin_api.ConfigResource(kind, "1")
        (told,) = admin.describe_configs([node]).values()
        assert told.result(SECONDS)["log.retention.ms"].value is None


def test_data_and_port_outlast_a_restart_and_a_kill(broker: Broker) -> None:
    place = broker.bootstrap_servers
    broker.create_topic("orders")
    assert sent(broker, "orders", "tea") == [None]
    broker.restart()
    assert sent(broker, "orders", "rice") == [None]
    broker.kill()
    assert not broker.running
    broker.start()
    assert broker.bootstrap_servers == place
    assert sent(broker, "orders", "salt") == [None]
    assert read(broker, "orders", 3) == [b"tea", b"rice", b"salt"]


def test_a_leader_taken_away_is_back_after_a_kill(broker: Broker) -> None:
    broker.create_topic("orders")
    broker.faults.leaderless("orders")
    broker.kill()
    broker.start()
    until(lambda: leader(broker, "orders") == 1, "nobody leads")
    assert sent(broker, "orders", "tea") == [None]


def test_what_cannot_be_done_is_told(broker: Broker) -> None:
    with pytest.raises(BrokerFailed, match="INVALID_TOPIC_EXCEPTION"):
        broker.create_topic("no such name")
    with pytest.raises(BrokerFailed, match="UNKNOWN_TOPIC_OR_PARTITION"):
        broker.delete_topic("orders")
    with pytest.raises(BrokerFailed, match="no partition 0 of a topic 'orders'"):
        broker.faults.leaderless("orders")
    with pytest.raises(BrokerFailed, match="there is no group 'billing'"):
        broker.faults.rebalance("billing")


# -- faults


def test_slow_answers(broker: Broker) -> None:
    broker.create_topic("orders")
    began = time.monotonic()
    with broker.faults.delay("PRODUCE", ms=300) as slow:
        assert sent(broker, "orders", "tea") == [None]
        assert slow.struck == 1
    assert time.monotonic() - began >= 0.3
    began = time.monotonic()
    assert sent(broker, "orders", "rice") == [None]
    assert time.monotonic() - began < 0.3
    assert slow.struck == 1


def test_what_is_held_back_leaves_when_the_fault_is_lifted(broker: Broker) -> None:
    broker.create_topic("orders")
    slow = broker.faults.delay("Produce", ms=60_000)
    out = producer(broker.bootstrap_servers)
    out.produce("orders", "tea")
    until(lambda: out.poll(0.01) == 0 and slow.struck, "the request never came")
    slow.lift()
    assert out.flush(SECONDS) == 0


def test_a_fault_may_lift_itself(broker: Broker) -> None:
    broker.create_topic("orders")
    broker.faults.delay("Produce", ms=60_000, lasting_ms=300)
    assert sent(broker, "orders", "tea") == [None]


def test_errors_that_a_client_retries(broker: Broker) -> None:
    broker.create_topic("orders")
    with broker.faults.fail("produce", error="NOT_LEADER_OR_FOLLOWER", times=2) as fault:
        assert sent(broker, "orders", "tea", retry_backoff_ms=10) == [None]
        assert fault.struck == 2
    assert read(broker, "orders", 1) == [b"tea"]


def test_errors_that_a_client_reports(broker: Broker) -> None:
    broker.create_topic("orders")
    with broker.faults.fail("PRODUCE", error="TOPIC_AUTHORIZATION_FAILED"):
        (error,) = sent(broker, "orders", "tea")
    assert error.name() == "TOPIC_AUTHORIZATION_FAILED"


def test_errors_of_a_fetch_that_a_client_retries(broker: Broker) -> None:
    broker.create_topic("orders")
    sent(broker, "orders", "tea")
    with broker.faults.fail("FETCH", error="LEADER_NOT_AVAILABLE", times=2) as fault:
        assert read(broker, "orders", 1) == [b"tea"]
        assert fault.struck == 2


def test_errors_of_a_fetch_that_a_client_reports(broker: Broker) -> None:
    broker.create_topic("orders")

    async def work() -> None:
        place = broker.bootstrap_servers
        async with aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=place) as source:
            broker.faults.fail("FETCH", error="TOPIC_AUTHORIZATION_FAILED")
            with pytest.raises(aiokafka.errors.TopicAuthorizationFailedError):
                await source.getone()

    run(work())


def test_a_write_whose_answer_is_lost_is_done_twice_unless_it_is_idempotent(broker: Broker) -> None:
    for idempotent, count in ((False, 2), (True, 1)):
        name = f"orders-{idempotent}"
        broker.create_topic(name)
        with broker.faults.fail("PRODUCE", error="REQUEST_TIMED_OUT", times=1, executed=True):
            sent(broker, name, "tea", enable_idempotence=idempotent, retry_backoff_ms=10)
        sent(broker, name, "end")
        assert read(broker, name, count + 1) == [b"tea"] * count + [b"end"]


def test_only_one_client_is_struck(broker: Broker) -> None:
    broker.create_topic("orders")
    with broker.faults.fail("PRODUCE", error="TOPIC_AUTHORIZATION_FAILED", client_id="shop"):
        assert sent(broker, "orders", "tea", client_id="other") == [None]
        (error,) = sent(broker, "orders", "tea", client_id="shop")
    assert error.name() == "TOPIC_AUTHORIZATION_FAILED"


def test_errors_reach_aiokafka(broker: Broker) -> None:
    broker.create_topic("orders")

    async def work() -> None:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as out:
            broker.faults.fail("PRODUCE", error="MESSAGE_TOO_LARGE", times=1)
            with pytest.raises(aiokafka.errors.MessageSizeTooLargeError):
                await out.send_and_wait("orders", b"tea")
            with broker.faults.fail("PRODUCE", error="LEADER_NOT_AVAILABLE", times=1) as fault:
                await out.send_and_wait("orders", b"rice")
                assert fault.struck == 1

    run(work())
    assert read(broker, "orders", 1) == [b"rice"]


@pytest.mark.parametrize("api", ["FETCH", "PRODUCE", "METADATA", "FIND_COORDINATOR"])
def test_a_connection_cut_in_the_middle_of_an_answer(broker: Broker, api: str) -> None:
    broker.create_topic("orders")
    with broker.faults.cut(api) as fault:
        assert sent(broker, "orders", "tea", "rice", enable_idempotence=True) == [None, None]
        member = consumer(broker.bootstrap_servers, group_id="g", auto_offset_reset="earliest", log_level=0)
        member.subscribe(["orders"])
        assert values(member, 2) == [b"tea", b"rice"]
        member.close()
        assert fault.struck == 1


def test_a_cut_connection_reaches_aiokafka(broker: Broker) -> None:
    broker.create_topic("orders")

    async def work() -> list[bytes]:
        place = broker.bootstrap_servers
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=place, enable_idempotence=True) as out:
            with broker.faults.cut("PRODUCE") as fault:
                await out.send_and_wait("orders", b"tea")
                assert fault.struck == 1
        async with aiokafka.AIOKafkaConsumer(
            "orders", bootstrap_servers=place, auto_offset_reset="earliest"
        ) as source:
            with broker.faults.cut("FETCH"):
                return [(await source.getone()).value]

    assert run(work()) == [b"tea"]
    assert read(broker, "orders", 1) == [b"tea"]


def test_a_partition_without_a_leader(broker: Broker) -> None:
    broker.create_topic("orders")
    with broker.faults.leaderless("orders"):
        until(lambda: leader(broker, "orders") == -1, "the metadata still name a leader")
        (error,) = sent(broker, "orders", "tea", message_timeout_ms=300)
        assert error.name() == "_MSG_TIMED_OUT"
    assert leader(broker, "orders") == 1
    assert sent(broker, "orders", "rice") == [None]
    assert read(broker, "orders", 1) == [b"rice"]


def test_a_partition_without_a_leader_for_a_while(broker: Broker) -> None:
    broker.create_topic("orders")
    broker.faults.leaderless("orders", lasting_ms=300)
    assert sent(broker, "orders", "tea") == [None]


def test_nobody_can_connect(broker: Broker) -> None:
    broker.create_topic("orders")
    out = producer(
        broker.bootstrap_servers, reconnect_backoff_ms=10, reconnect_backoff_max_ms=50, log_level=0
    )
    out.produce("orders", "tea")
    assert out.flush(SECONDS) == 0
    with broker.faults.refuse():
        out.produce("orders", "rice")
        assert out.flush(SECONDS) == 0, "who is connected stays connected"
        with pytest.raises(confluent_kafka.KafkaException):
            admin_api.AdminClient(
                {"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}
            ).list_topics(timeout=0.3)
    with broker.faults.refuse(drop=True):
        out.produce("orders", "salt")
        assert out.flush(0.3) == 1
    assert out.flush(SECONDS) == 0
    assert read(broker, "orders", 3) == [b"tea", b"rice", b"salt"]


def test_no_fault_outlives_a_reset(broker: Broker) -> None:
    broker.create_topic("orders")
    broker.faults.leaderless("orders")
    broker.faults.refuse()
    fault = broker.faults.fail(error="UNKNOWN_SERVER_ERROR")
    broker.reset()
    broker.create_topic("orders")
    assert sent(broker, "orders", "tea") == [None]
    fault.lift()


class Place:
    def __init__(self, broker: Broker) -> None:
        self.bootstrap = broker.bootstrap_servers


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_rebalance_now(broker: Broker, protocol: str) -> None:
    broker.create_topic("orders", partitions=2)
    settings = {"group.protocol": protocol}
    members = [Member(Place(broker), "orders", "billing", **settings) for _ in range(2)]
    until(lambda: all(len(each.assigned) == 1 for each in members), "they never shared the partitions")
    before = [each.changes for each in members]
    broker.faults.rebalance("billing")
    until(
        lambda: all(each.changes > count for each, count in zip(members, before, strict=True)),
        "somebody has not heard of it",
    )
    until(lambda: all(len(each.assigned) == 1 for each in members), "they did not come back")
    for each in members:
        each.leave()


# -- leaving nothing behind


def test_a_broker_leaves_nothing_behind() -> None:
    def traces() -> tuple[set[str], int]:
        return {each.name for each in threading.enumerate()}, len(os.listdir("/proc/self/fd"))

    with Broker() as broker:  # what is imported and cached once
        pass
    before = traces()
    for child in (False, True):
        with Broker(child=child) as broker:
            directory, port = os.path.dirname(broker.data_dir), broker.port
            broker.create_topic("orders")
            assert sent(broker, "orders", "tea") == [None]
            assert os.listdir(directory)
        assert not os.path.exists(directory)
        with Broker(port=port):
            pass
    until(lambda: traces() == before, f"{traces()} instead of {before}", seconds=5)
