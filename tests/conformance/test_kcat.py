"""kcat (librdkafka in C): the tool most people reach for first."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.apache_kafka import absent
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.samples import COMPRESSIONS, LARGE, SECONDS

CLIENT = "kcat"


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


@covers(CLIENT, "describe-cluster", "describe-topic")
def test_lists_the_cluster_as_json(broker: Broker) -> None:
    topic = broker.topic(partitions=3)
    seen = json.loads(kcat(broker, "-L", "-J").stdout)
    assert [each["name"] for each in seen["brokers"]] == [broker.bootstrap]
    partitions = next(each for each in seen["topics"] if each["topic"] == topic)["partitions"]
    assert [each["partition"] for each in partitions] == [0, 1, 2]
    for each in partitions:
        assert (each["leader"], each["replicas"], each["isrs"]) == (1, [{"id": 1}], [{"id": 1}])


@covers(CLIENT, *COMPRESSIONS)
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_lines_come_back_in_order(broker: Broker, topic: str, codec: str) -> None:
    lines = b"".join(b"line %d %s\n" % (n, b"x" * (n % 100)) for n in range(3000))
    kcat(broker, "-P", "-t", topic, "-p", "0", "-z", codec, stdin=lines)
    assert read(broker, topic) == lines


@covers(CLIENT, "headers", "nulls")
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


@covers(CLIENT, "seek-offset", "seek-beginning", "seek-time", "list-offsets")
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


@covers(CLIENT, "acks-0", "acks-1", "acks-all")
def test_acknowledged_by_nobody_by_one_and_by_all(broker: Broker, topic: str) -> None:
    for acks in ("0", "1", "all"):
        kcat(broker, "-P", "-t", topic, "-p", "0", "-X", f"acks={acks}", stdin=acks.encode())
    assert read(broker, topic).split() == [b"0", b"1", b"all"]


@covers(CLIENT, "many-partitions")
def test_many_partitions_by_key(broker: Broker) -> None:
    topic = broker.topic(partitions=12)
    kcat(broker, "-P", "-t", topic, "-K", ":", stdin=b"".join(b"key%d:%d\n" % (n, n) for n in range(500)))
    shown = kcat(broker, "-C", "-q", "-e", "-t", topic, "-o", "beginning", "-f", r"%p %k %s\n").stdout.split(
        b"\n"
    )
    assert sorted(int(line.split()[2]) for line in shown if line) == list(range(500))
    assert len({line.split()[0] for line in shown if line}) == 12


@covers(CLIENT, "megabyte")
def test_a_file_of_a_megabyte_is_one_record(broker: Broker, topic: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE.value or b"")
    kcat(broker, "-P", "-t", topic, "-p", "0", str(tmp_path / "large"))
    assert read(broker, topic, "-f", "%s") == LARGE.value


@covers(CLIENT, "create-time")
def test_shows_when_a_record_was_made(broker: Broker, topic: str) -> None:
    began = int(time.time() * 1000)
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"x\n")
    assert began <= int(read(broker, topic, "-f", "%T")) <= int(time.time() * 1000)


@covers(CLIENT, "seek-end")
def test_from_the_end_on_there_is_nothing_yet(broker: Broker, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"1\n2\n")
    assert kcat(broker, "-C", "-e", "-q", "-t", topic, "-p", "0", "-o", "end").stdout == b""
    asked = [kcat(broker, "-Q", "-t", f"{topic}:0:{which}").stdout for which in (-2, -1)]
    assert asked == [f"{topic} [0] offset {offset}\n".encode() for offset in (0, 2)]


@covers(CLIENT, "idempotent", "concurrent")
def test_idempotent_producers_at_once(broker: Broker, topic: str) -> None:
    def write(which: int) -> None:
        lines = b"".join(b"%d:%d\n" % (which, number) for number in range(1000))
        settings = ("-X", "enable.idempotence=true", "-X", "batch.size=2000")
        kcat(broker, "-P", "-t", topic, "-p", "0", "-K", ":", *settings, stdin=lines)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    seen: dict[bytes, list[int]] = {b"%d" % which: [] for which in range(3)}
    for line in read(broker, topic, "-f", r"%k %s\n").splitlines():
        key, value = line.split()
        seen[key].append(int(value))
    assert list(seen.values()) == [list(range(1000))] * 3


@covers(CLIENT, "too-large")
def test_a_record_larger_than_the_topic_takes(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "1000"})
    failed = kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"x" * 5000 + b"\n", check=False)
    assert b"Broker: Message size too large" in failed.stderr
    assert read(broker, topic) == b""


@covers(CLIENT, "unknown-topic")
def test_a_topic_that_is_not_there(broker: Broker) -> None:
    failed = kcat(broker, "-Q", "-t", f"{broker.name()}:0:-1", check=False)
    assert b"Unknown" in failed.stderr


@covers(CLIENT, "out-of-range")
def test_an_offset_beyond_the_end(broker: Broker, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin=b"x\n")
    where = ["-C", "-e", "-t", topic, "-p", "0", "-o", "1000"]
    failed = kcat(broker, *where, "-X", "auto.offset.reset=error", check=False)
    assert b"Offset out of range" in failed.stderr


class Reader:
    """kcat as a member of a group; it says on its error stream what it holds."""

    def __init__(self, broker: Broker, topic: str, group: str, folder: Path) -> None:
        self._said = folder / f"{time.monotonic_ns()}"
        quick = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=300"]
        command = ["kcat", "-b", broker.bootstrap, *quick, "-G", group, topic]
        with open(self._said, "wb") as said:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)

    @property
    def held(self) -> int:
        changes = [
            line for line in self._said.read_text().splitlines() if "assigned" in line or "revoked" in line
        ]
        return changes[-1].count(" [") if changes and "revoked" not in changes[-1] else 0


def wait_for(held: list[int], *readers: Reader) -> None:
    deadline = time.monotonic() + SECONDS
    while sorted(each.held for each in readers) != held:
        assert time.monotonic() < deadline, [each.held for each in readers]
        time.sleep(0.05)


@covers(CLIENT, "group-sharing")
def test_two_readers_share_a_topic(broker: Broker, tmp_path: Path) -> None:
    topic = broker.topic(partitions=4)
    first = Reader(broker, topic, f"{topic}-readers", tmp_path)
    second = Reader(broker, topic, f"{topic}-readers", tmp_path)
    try:
        wait_for([2, 2], first, second)
        second.process.terminate()
        wait_for([4], first)
    finally:
        for each in (first, second):
            each.process.terminate()
            each.process.wait(SECONDS)


@covers(CLIENT, "group-resume")
def test_a_group_goes_on_where_it_was(broker: Broker, topic: str) -> None:
    def read_as_member(count: int) -> list[bytes]:
        settings = ["-q", "-X", "auto.offset.reset=earliest", "-c", str(count)]
        return kcat(broker, *settings, "-G", f"{topic}-readers", topic).stdout.split()

    kcat(broker, "-P", "-t", topic, stdin=b"one\ntwo\n")
    assert read_as_member(2) == [b"one", b"two"]
    kcat(broker, "-P", "-t", topic, stdin=b"three\n")
    assert read_as_member(1) == [b"three"]
