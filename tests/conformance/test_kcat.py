"""kcat (librdkafka in C): the tool most people reach for first."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from tests.apache_kafka import absent
from tests.conformance.broker import Broker
from tests.samples import COMPRESSIONS, SECONDS


@pytest.fixture(autouse=True, scope="module")
def _kcat() -> None:
    if not shutil.which("kcat"):
        absent("needs kcat: apt-get install kcat")


def kcat(
    broker: Broker, *args: str, stdin: bytes = b"", check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    command = ["kcat", "-b", broker.bootstrap, *args]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS, check=False)
    if check:
        assert done.returncode == 0, done.stderr.decode()
    return done


def read(broker: Broker, topic: str, *args: str) -> bytes:
    """What kcat prints of partition 0 from its start to its end."""
    return kcat(broker, "-C", "-q", "-e", "-t", topic, "-p", "0", "-o", "beginning", *args).stdout


def test_lists_the_cluster_as_json(broker: Broker) -> None:
    topic = broker.topic(partitions=3)
    seen = json.loads(kcat(broker, "-L", "-J").stdout)
    assert [each["name"] for each in seen["brokers"]] == [broker.bootstrap]
    partitions = next(each for each in seen["topics"] if each["topic"] == topic)["partitions"]
    assert [each["partition"] for each in partitions] == [0, 1, 2]
    for each in partitions:
        assert (each["leader"], each["replicas"], each["isrs"]) == (1, [{"id": 1}], [{"id": 1}])


@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_lines_come_back_in_order(broker: Broker, topic: str, codec: str) -> None:
    lines = b"".join(b"line %d %s\n" % (n, b"x" * (n % 100)) for n in range(3000))
    kcat(broker, "-P", "-t", topic, "-p", "0", "-z", codec, stdin=lines)
    assert read(broker, topic) == lines


def test_keys_headers_nulls_and_offsets(broker: Broker, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K", ":", "-H", "a=1", "-H", "b=2", stdin=b"k1:v1\nk2:v2\n")
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K", ":", "-Z", stdin=b"k3:\n:v4\n")
    shown = read(broker, topic, "-Z", "-f", r"%o|%k|%s|%K|%S|%h\n")
    assert shown.splitlines() == [
        b"0|k1|v1|2|2|a=1,b=2",
        b"1|k2|v2|2|2|a=1,b=2",
        b"2|k3|NULL|2|-1|",
        b"3|NULL|v4|-1|2|",
    ]


def test_starts_at_an_offset_from_the_tail_and_at_a_time(broker: Broker, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"".join(b"%d\n" % n for n in range(10)))
    time.sleep(0.05)
    border = int(time.time() * 1000)
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"late\n")
    assert kcat(broker, "-C", "-q", "-e", "-t", topic, "-p", "0", "-o", "8").stdout == b"8\n9\nlate\n"
    assert kcat(broker, "-C", "-q", "-e", "-t", topic, "-p", "0", "-o", "-2").stdout == b"9\nlate\n"
    assert kcat(broker, "-C", "-q", "-e", "-t", topic, "-p", "0", "-o", f"s@{border}").stdout == b"late\n"
    assert kcat(broker, "-Q", "-t", f"{topic}:0:{border}").stdout == f"{topic} [0] offset 10\n".encode()


def test_a_partition_that_is_not_there(broker: Broker, topic: str) -> None:
    failed = kcat(broker, "-P", "-t", topic, "-p", "7", stdin=b"x\n", check=False)
    assert b"Unknown partition" in failed.stderr


def test_acknowledged_by_nobody_by_one_and_by_all(broker: Broker, topic: str) -> None:
    for acks in ("0", "1", "all"):
        kcat(broker, "-P", "-t", topic, "-p", "0", "-X", f"acks={acks}", stdin=acks.encode())
    assert read(broker, topic).split() == [b"0", b"1", b"all"]


def test_many_partitions_by_key(broker: Broker) -> None:
    topic = broker.topic(partitions=12)
    kcat(broker, "-P", "-t", topic, "-K", ":", stdin=b"".join(b"key%d:%d\n" % (n, n) for n in range(500)))
    shown = kcat(broker, "-C", "-q", "-e", "-t", topic, "-o", "beginning", "-f", r"%p %k %s\n").stdout.split(
        b"\n"
    )
    assert sorted(int(line.split()[2]) for line in shown if line) == list(range(500))
    assert len({line.split()[0] for line in shown if line}) == 12
