"""Our own clients without asyncio: one face over all of them."""

from __future__ import annotations

import threading
import uuid

import pytest

from ottla.client import ClientClosed, KafkaError, NoBroker
from ottla.client.admin.topics import NewTopic
from ottla.client.blocking import Admin, Consumer, Producer
from tests.conformance.broker import Broker


def test_what_is_sent_is_read(broker: Broker, topic: str) -> None:
    with Producer(bootstrap_servers=broker.bootstrap) as producer:
        assert producer.send(topic, b"0", key=b"k").result(30).offset == 0
        many = producer.send_batch(topic, [b"%d" % number for number in range(1, 500)])
        columns = producer.send_columns(topic, [b"%d" % number for number in range(500, 1_000)])
        producer.flush()
        assert many.is_done
        assert sum(each.count for each in columns.result(30)) >= 500
        assert producer.metrics()["record-send-total"] == 1_000
    with Consumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([(topic, 0)])
        found = []
        for record in consumer:
            found.append(record.value)
            if len(found) == 1_000:
                break
        assert found == [b"%d" % number for number in range(1_000)]
        assert consumer.assignment == {(topic, 0)}


def test_transactions_are_plain_contexts(broker: Broker, topic: str) -> None:
    name = f"tx-{uuid.uuid4().hex[:8]}"
    with Producer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer:
        with producer.transaction():
            producer.send(topic, b"kept")
        with pytest.raises(RuntimeError, match="changed its mind"), producer.transaction():
            lost = producer.send(topic, b"lost")
            raise RuntimeError("changed its mind")
        with pytest.raises(ClientClosed):
            lost.result(30)


def test_a_client_that_could_not_open_leaves_no_thread() -> None:
    with pytest.raises(NoBroker), Producer(bootstrap_servers="127.0.0.1:1"):
        raise AssertionError("nobody listens there")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ottla ")]


def test_errors_are_those_of_the_asynchronous_client(broker: Broker, topic: str) -> None:
    with Producer(bootstrap_servers=broker.bootstrap) as producer:
        with pytest.raises(KafkaError, match="no partition 9"):
            producer.send(topic, b"x", partition=9)
        with pytest.raises(TypeError, match="value_serializer"):
            producer.send(topic, "text")


def test_an_administrator_gets_answers_per_item(broker: Broker) -> None:
    name = broker.name()
    with Admin(bootstrap_servers=broker.bootstrap) as admin:
        (made,) = admin.create_topics([NewTopic(name, 2)])
        assert made.error is None
        assert name in {view.name for view in admin.topics()}
        done = admin.delete_topics([name, name + "-x"])
        assert done[name] is None
        assert isinstance(done[name + "-x"], KafkaError)
