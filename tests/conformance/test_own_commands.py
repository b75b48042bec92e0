"""Our own client and commands, on whichever broker runs: what they do to a node they do to Apache Kafka."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conformance.broker import Broker
from tests.samples import SECONDS

OTTLA = [sys.executable, "-m", "ottla.cli.main"]


def run(broker: Broker, *args: str, stdin: bytes = b"", code: int = 0) -> subprocess.CompletedProcess[bytes]:
    command = [*OTTLA, *args, "-b", broker.bootstrap]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done


def lines(broker: Broker, *args: str) -> list[bytes]:
    return run(broker, *args).stdout.splitlines()


def test_a_topic_from_its_creation_to_its_end(broker: Broker) -> None:
    name = broker.name()
    run(broker, "topic", "create", name, "-p", "3", "--config", "cleanup.policy=compact", "--dry-run")
    assert name.encode() not in lines(broker, "topic", "list", "-o", "name")
    run(broker, "topic", "create", name, "-p", "3", "--config", "cleanup.policy=compact")
    assert b"TOPIC_ALREADY_EXISTS" in run(broker, "topic", "create", name, code=1).stderr
    (described,) = json.loads(run(broker, "topic", "describe", name, "-o", "json").stdout)
    assert [part["leader"] for part in described["partitions"]] == [1, 1, 1]
    configs = {entry["name"]: entry for entry in described["configs"]}
    assert (configs["cleanup.policy"]["value"], configs["cleanup.policy"]["source"]) == ("compact", "topic")
    assert (
        b"INVALID_CONFIG"
        in run(broker, "topic", "create", name + "-x", "--config", "no.such=1", code=1).stderr
    )
    run(broker, "topic", "delete", name, "-y")
    run(broker, "topic", "delete", name, "-y", code=3)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_what_is_produced_is_consumed(broker: Broker, topic: str, codec: str, acks: str) -> None:
    sent = [b"k%d:%s" % (number, b"v" * (number % 300)) for number in range(3_000)]
    run(broker, "produce", topic, "-K", ":", "-z", codec, "--acks", acks, "-H", "a=1", stdin=b"\n".join(sent))
    found = lines(broker, "consume", topic, "-n", "3000", "-f", r"%k:%v\n")
    assert found == sent
    assert lines(broker, "consume", topic, "--offset", "+2999", "-n", "1", "-f", r"%o %H %h\n") == [
        b"2999 1 a=1"
    ]


def test_ranges_nulls_and_timestamps(broker: Broker, topic: str) -> None:
    rows = b"a 1000000000000 1\nb 1100000000000 \nc 1200000000000 3\n"
    run(broker, "produce", topic, "-f", "%k %T %v", "-Z", stdin=rows)
    show = ("-f", r"%o %k %V %T\n")
    assert lines(broker, "consume", topic, "-e", *show) == [
        b"0 a 1 1000000000000",
        b"1 b -1 1100000000000",
        b"2 c 1 1200000000000",
    ]
    assert lines(broker, "consume", topic, "--offset", "@1100000000000:1200000000000", "-f", r"%o\n") == [
        b"1"
    ]
    assert lines(broker, "consume", topic, "--offset", "1:2", "-f", r"%o\n") == [b"1"]
    assert lines(broker, "consume", topic, "--offset", "-1:end", "-f", r"%o\n", "--read-committed") == [b"2"]


def test_errors_are_the_brokers(broker: Broker) -> None:
    assert b"UNKNOWN_TOPIC_OR_PARTITION" in run(broker, "consume", broker.name(), code=3).stderr
    small = broker.topic(configs={"max.message.bytes": "500"})
    assert b"MESSAGE_TOO_LARGE" in run(broker, "produce", small, stdin=b"x" * 2_000, code=1).stderr
    compacted = broker.topic(configs={"cleanup.policy": "compact"})
    assert b"INVALID_RECORD" in run(broker, "produce", compacted, stdin=b"no key", code=1).stderr
