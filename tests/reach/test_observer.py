"""An Apache Kafka broker joins our controller: it learns the metadata from our log and checkpoints, and serves."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from tests import waiting
from tests.apache_kafka import tool
from tests.confluent import admin_api, consumer, messages, producer, send
from tests.nodes import Node, Product, ottla
from tests.reach.contents import admin
from tests.samples import SAMPLES, SECONDS

pytestmark = pytest.mark.timeout(120)
until = partial(waiting.until, seconds=SECONDS)


def create(node: Node, name: str, *brokers: int) -> None:
    """One partition on each of these brokers."""
    topic = admin_api.NewTopic(name, len(brokers), replica_assignment=[[each] for each in brokers])
    client = admin(node)
    client.create_topics([topic])[name].result(SECONDS)


def test_a_broker_of_apache_kafka_joins_and_leaves(apache: Product, tmp_path: Path) -> None:
    properties = {
        # The log begins behind its newest checkpoint: whoever is new has to load that.
        "metadata.log.max.record.bytes.between.snapshots": "1500",
        "metadata.max.retention.bytes": "1",
    }
    controller = Node(tmp_path / "ottla", ottla(), properties)
    broker = Node(tmp_path / "apache", apache, {"process.roles": "broker", "node.id": "2"})
    broker.properties["listeners"] = f"PLAINTEXT://{broker.bootstrap}"
    broker.properties["controller.quorum.voters"] = f"1@127.0.0.1:{controller.controller_port}"
    broker.write_config()
    try:
        controller.start()
        for number in range(30):
            create(controller, f"before-{number}", 1)
        metadata = controller.data / "__cluster_metadata-0"
        until(
            lambda: "Removed checkpoint" in controller.tail(100_000), "waited for the log's beginning to go"
        )
        assert list(metadata.glob("*.checkpoint"))
        broker.start()
        client = admin(controller)
        until(
            lambda: set(client.list_topics(timeout=5).brokers) == {1, 2}, "waited for broker 2 to be unfenced"
        )
        create(controller, "both", 1, 2)
        for partition in (0, 1):
            send(producer(controller.bootstrap), "both", SAMPLES, partition)
            reader = consumer(broker.bootstrap)
            assert len(list(messages(reader, "both", partition=partition))) == len(SAMPLES)
            reader.close()
        assert set(admin(broker).list_topics(timeout=5).topics) >= {
            "both",
            *(f"before-{n}" for n in range(30)),
        }
        loaded = list((broker.data / "__cluster_metadata-0").glob("*.checkpoint"))
        assert loaded, "the broker read the log from its beginning, which it should not have found"
        quorum = "org.apache.kafka.tools.MetadataQuorumCommand"
        shown = tool(quorum, ["--bootstrap-server", broker.bootstrap, "describe", "--replication"]).stdout
        assert re.search(r"^1\s.*\sLeader\s*$", shown, re.MULTILINE), shown
        assert re.search(r"^2\s.*\sObserver\s*$", shown, re.MULTILINE), shown
        broker.stop()
        until(lambda: set(client.list_topics(timeout=5).brokers) == {1}, "waited for broker 2 to be fenced")
        assert client.list_topics("both", timeout=5).topics["both"].partitions[1].leader == -1
        assert controller.stop() == 0
    finally:
        broker.kill()
        controller.kill()
