"""Kafka Streams in the streams protocol (KIP-1071): a word count on two instances, one of which is lost.

The broker knows the topology, creates the topics in between, and shares the tasks; what the lost instance had in hand is taken
up by the other, and no word is counted twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import waiting
from tests.apache_kafka import tool
from tests.confluent import consumer, messages, producer
from tests.conformance.broker import Broker
from tests.java_streams import Instance, build
from tests.nodes import Node, Product
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(300)
until = partial(waiting.until, seconds=60, pause=0.3)

STREAMS_GROUPS = "org.apache.kafka.tools.streams.StreamsGroupCommand"
CONFIGS = "kafka.admin.ConfigCommand"
GROUPS = "org.apache.kafka.tools.GroupsCommand"
PARTITIONS = 4
APPLICATION = "word-count"
SETTINGS = {
    "group.streams.min.session.timeout.ms": "6000",
    "group.streams.session.timeout.ms": "6000",
    "group.streams.min.heartbeat.interval.ms": "500",
    "group.streams.heartbeat.interval.ms": "500",
    "group.streams.initial.rebalance.delay.ms": "1000",
}
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "runs"]


@pytest.fixture(scope="module")
def streams_broker(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A node that misses a silent member soon."""
    node = Node(Path(tmp_path_factory.mktemp("streams")), product, SETTINGS)
    node.start()
    yield Broker(node)
    node.kill()


def write(broker: Broker, topic: str, lines: int) -> Counter[str]:
    """Send so many lines of text; how often each word is in them."""
    client = producer(broker.bootstrap)
    counts: Counter[str] = Counter()
    for number in range(lines):
        words = [WORDS[(number + step) % len(WORDS)] for step in range(1 + number % 5)]
        counts.update(words)
        client.produce(topic, " ".join(words), key=str(number), partition=number % PARTITIONS)
    assert client.flush(SECONDS) == 0
    return counts


def counted(broker: Broker, topic: str) -> dict[str, int]:
    """The last count of each word, as far as it is committed."""
    reader = consumer(broker.bootstrap, isolation_level="read_committed")
    found = {
        each.key().decode(): int(each.value())
        for partition in range(PARTITIONS)
        for each in messages(reader, topic, partition=partition)
    }
    reader.close()
    return found


def ask(broker: Broker, main: str, *arguments: str, check: bool = True) -> str:
    done = tool(main, ["--bootstrap-server", broker.bootstrap, *arguments], check=check)
    return re.sub(r"(?m)^\[.*\n", "", done.stdout + done.stderr)


def test_a_word_count_survives_the_loss_of_an_instance(streams_broker: Broker, tmp_path: Path) -> None:
    broker = streams_broker
    path = build(tmp_path)
    source, sink = broker.topic(PARTITIONS), broker.topic(PARTITIONS)
    expected = write(broker, source, 200)
    arguments = [broker.bootstrap, APPLICATION, source, sink]
    first = Instance(path, tmp_path / "a", *arguments, str(tmp_path / "a" / "state"), "localhost:1111")
    second = Instance(path, tmp_path / "b", *arguments, str(tmp_path / "b" / "state"), "localhost:2222")
    try:
        until(
            lambda: (first.tasks, second.tasks, first.state, second.state) == (4, 4, "RUNNING", "RUNNING"),
            "the tasks are not shared",
        )
        until(lambda: first.clients == 2 and second.clients == 2, "they do not know each other's endpoints")
        until(lambda: counted(broker, sink) == expected, "the first counts are not right")
        check_tools_while_it_runs(broker, source)
        to = ["--entity-type", "groups", "--entity-name", APPLICATION, "--alter", "--add-config"]
        ask(broker, CONFIGS, *to, "streams.num.standby.replicas=1")
        until(lambda: first.standbys + second.standbys == PARTITIONS, "nobody keeps copies")
        expected += write(broker, source, 100)
        first.kill()
        expected += write(broker, source, 100)
        until(lambda: second.tasks == 8, "the other does not take the tasks over")
        until(lambda: counted(broker, sink) == expected, "the counts are not right")
        assert second.state == "RUNNING"
        assert second.end() == 0
        check_tools_at_the_end(broker, source)
    except BaseException:
        print(first.said[-3000:], second.said[-3000:], sep="\n-----\n")
        raise
    finally:
        first.kill()
        second.kill()


def check_tools_while_it_runs(broker: Broker, source: str) -> None:
    about = ["--describe", "--group", APPLICATION]
    assert re.search(rf"^{APPLICATION}\s+Streams\s+streams\s*$", ask(broker, GROUPS, "--list"), re.MULTILINE)
    assert re.search(rf"^{APPLICATION}\s*$", ask(broker, STREAMS_GROUPS, "--list"), re.MULTILINE)
    shown = ask(broker, STREAMS_GROUPS, "--list", "--state")
    assert re.search(rf"^{APPLICATION}\s+Stable\s*$", shown, re.MULTILINE)
    shown = ask(broker, STREAMS_GROUPS, *about, "--state")
    assert re.search(rf"^{APPLICATION}\s+\S+\s+\(\d+\)\s+Stable\s+2\s*$", shown, re.MULTILINE)
    shown = ask(broker, STREAMS_GROUPS, *about, "--members", "--verbose")
    assert len(re.findall(rf"^{APPLICATION}\s", shown, re.MULTILINE)) == 2
    shown = ask(broker, STREAMS_GROUPS, *about, "--offsets")
    lines = re.findall(rf"^{APPLICATION}\s+(\S+)\s+(\d+)\s+(\S+)$", shown, re.MULTILINE)
    topics = {topic for topic, _, _ in lines}
    assert {source, f"{APPLICATION}-words-repartition"} <= topics
    refused = ask(broker, STREAMS_GROUPS, "--delete", "--group", APPLICATION, check=False)
    assert "GroupNotEmptyException" in refused


def check_tools_at_the_end(broker: Broker, source: str) -> None:
    shown = ask(broker, STREAMS_GROUPS, "--describe", "--group", APPLICATION, "--state")
    assert re.search(rf"^{APPLICATION}\s+\S+\s+\(\d+\)\s+Empty\s+0\s*$", shown, re.MULTILINE)
    to = ["--group", APPLICATION, "--reset-offsets", "--to-earliest", "--input-topic", source]
    shown = ask(broker, STREAMS_GROUPS, *to, "--execute")
    lines = re.findall(rf"^{APPLICATION}\s+{source}\s+(\d+)\s+(\d+)\s*$", shown, re.MULTILINE)
    assert sorted(lines) == [(str(index), "0") for index in range(PARTITIONS)]
    ask(broker, STREAMS_GROUPS, "--delete", "--group", APPLICATION)
    until(lambda: APPLICATION not in ask(broker, STREAMS_GROUPS, "--list"), "the group is not deleted")
