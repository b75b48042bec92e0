"""SIGKILL at any moment: what was acknowledged is read exactly once, in order, and the node comes back.

`OTTLA_TEST_ROUNDS` asks for more deaths than the few that fit into every run, `OTTLA_TEST_SEED` for the same ones.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

import pytest

from tests.confluent import admin_api, confluent_kafka, consumer, messages, producer, send
from tests.nodes import Node
from tests.samples import SAMPLES, SECONDS

ROUNDS = int(os.environ.get("OTTLA_TEST_ROUNDS", "6"))
SEED = int(os.environ.get("OTTLA_TEST_SEED", random.randrange(2**32)))
PARTITIONS = 3
SEGMENT_BYTES = 1_048_576


def create(node: Node, name: str, partitions: int = 1, **configs: str) -> None:
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    settings = {key.replace("_", "."): value for key, value in configs.items()}
    new = admin_api.NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
    admin.create_topics([new])[name].result(SECONDS)


class Load:
    """A producer that never stops: numbered records to every partition, and which of them were acknowledged."""

    def __init__(self, node: Node, topic: str, codec: str) -> None:
        self.sent = [0] * PARTITIONS
        self.acknowledged: list[dict[int, int]] = [{} for _ in range(PARTITIONS)]
        self.failed: list[Any] = []
        self._topic = topic
        self._client = producer(
            node.bootstrap,
            enable_idempotence=True,
            acks="all",
            compression_type=codec,
            message_timeout_ms=120_000,
            retry_backoff_ms=20,
            reconnect_backoff_ms=20,
            reconnect_backoff_max_ms=200,
            queue_buffering_max_messages=2000,
            socket_timeout_ms=10_000,
            log_level=0,
        )
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._enough.is_set():
            for partition in range(PARTITIONS):
                value = b"%d %s" % (self.sent[partition], b"." * 300)
                try:
                    self._client.produce(self._topic, value, partition=partition, on_delivery=self._told)
                except BufferError:
                    self._client.poll(0.05)
                else:
                    self.sent[partition] += 1
            self._client.poll(0)

    def _told(self, error: Any, message: Any) -> None:
        if error:
            self.failed.append(error)
        else:
            self.acknowledged[message.partition()][int(message.value().split()[0])] = message.offset()

    def finish(self) -> None:
        self._enough.set()
        self._thread.join()
        assert self._client.flush(60) == 0
        assert not self.failed


@pytest.mark.timeout(60 + 30 * ROUNDS)
@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_acknowledged_records_are_read_once_and_in_order(node: Node, codec: str) -> None:
    chance = random.Random(SEED)
    node.start()
    create(node, "load", PARTITIONS, segment_bytes=str(SEGMENT_BYTES))
    load = Load(node, "load", codec)
    for _ in range(ROUNDS):
        time.sleep(chance.uniform(0.05, 1.5))
        node.kill()
        node.start()
    load.finish()
    node.kill()
    node.start()
    reader = consumer(node.bootstrap)
    for partition in range(PARTITIONS):
        got = [
            (int(each.value().split()[0]), each.offset())
            for each in messages(reader, "load", partition=partition)
        ]
        want = sorted(load.acknowledged[partition].items())
        assert [number for number, _ in want] == list(range(load.sent[partition])), f"seed {SEED}"
        assert got == want, f"seed {SEED}"
    reader.close()
    assert min(load.sent) > 100


def test_a_topic_once_created_is_there_after_sudden_death(node: Node) -> None:
    node.start()
    ids = {}
    for number in range(3):
        create(node, f"topic-{number}", retention_ms="12345678")
        ids[f"topic-{number}"] = topic_id(node, f"topic-{number}")
        node.kill()
        node.start()
    assert {name: topic_id(node, name) for name in ids} == ids
    assert len(set(ids.values())) == 3


def topic_id(node: Node, name: str) -> str:
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    described = admin.describe_topics(confluent_kafka.TopicCollection([name]))[name].result(SECONDS)
    return str(described.topic_id)


def test_a_torn_tail_is_cut_and_the_rest_is_served(node: Node) -> None:
    node.start()
    create(node, "torn")
    send(producer(node.bootstrap), "torn", SAMPLES)
    node.kill()
    segment = node.data / "torn-0" / "00000000000000000000.log"
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[: len(whole) // 3])
    node.start()
    assert values(node, "torn") == [each.value for each in SAMPLES]
    assert segment.stat().st_size == len(whole)
    assert send(producer(node.bootstrap), "torn", SAMPLES[:1]) == [len(SAMPLES)]


def test_lost_indexes_are_built_again(node: Node) -> None:
    node.start()
    create(node, "blind", segment_bytes=str(SEGMENT_BYTES), index_interval_bytes="100")
    client = producer(node.bootstrap)
    for _ in range(20):
        send(client, "blind", SAMPLES)
    node.kill()
    for name in ("index", "timeindex"):
        for path in (node.data / "blind-0").glob(f"*.{name}"):
            path.unlink()
    node.start()
    assert values(node, "blind") == [each.value for each in SAMPLES] * 20
    reader = consumer(node.bootstrap)
    wanted = confluent_kafka.TopicPartition("blind", 0, SAMPLES[8].timestamp)
    assert reader.offsets_for_times([wanted], SECONDS)[0].offset == 8
    reader.close()
    assert len(list((node.data / "blind-0").glob("*.timeindex"))) == len(
        list((node.data / "blind-0").glob("*.log"))
    )


def test_a_clean_stop_says_so_and_keeps_everything(node: Node) -> None:
    node.start()
    create(node, "kept", PARTITIONS, retention_ms="-1")
    for partition in range(PARTITIONS):
        send(producer(node.bootstrap, compression_type="zstd"), "kept", SAMPLES, partition)
    before = topic_id(node, "kept")
    code = node.stop()
    assert code == (0 if node.product.name == "ottla" else 143)
    assert (node.data / ".kafka_cleanshutdown").exists()
    node.start()
    assert not (node.data / ".kafka_cleanshutdown").exists()
    assert topic_id(node, "kept") == before
    for partition in range(PARTITIONS):
        assert values(node, "kept", partition) == [each.value for each in SAMPLES]
    assert send(producer(node.bootstrap), "kept", SAMPLES[:1]) == [len(SAMPLES)]


def test_every_record_flushed_before_it_is_acknowledged(node: Node) -> None:
    node.start()
    create(node, "flushed", flush_messages="1")
    client = producer(node.bootstrap, linger_ms=0)
    for index in range(20):
        assert send(client, "flushed", SAMPLES[index : index + 1]) == [index]
    node.kill()
    node.start()
    assert values(node, "flushed") == [each.value for each in SAMPLES[:20]]


def test_a_second_node_on_the_same_directory_is_refused(node: Node) -> None:
    node.start()
    other = Node(node.directory.parent / "other", node.product, {"log.dirs": str(node.data)})
    other.data = node.data
    with pytest.raises(AssertionError, match="ended while starting"):
        other.start()
    create(node, "alive")


def values(node: Node, topic: str, partition: int = 0) -> list[bytes | None]:
    reader = consumer(node.bootstrap)
    got = [each.value() for each in messages(reader, topic, partition=partition)]
    reader.close()
    return got
