"""Many hostile connections at once against the real process: others are served on, in bounded memory, with few words.

Each test floods a node, keeps an honest client asking beside it, and looks afterwards: memory, open files, the log.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ottla.core.records.compression import Codec, compress
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from tests.fuzz.floods import batch
from tests.fuzz.samples.requests import framed, request
from tests.nodes import Node, answers, free_ports, ottla, received

API_VERSIONS = framed(struct.pack(">hhih", 18, 0, 7, -1))
LATENCY_SECONDS = 5.0
"""What an honest client may wait at worst, on a machine that does much else."""
MIB = 1 << 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    metrics = free_ports(1)[0]
    node = Node(Path(tmp_path_factory.mktemp("node")), ottla(), {"ottla.metrics.port": str(metrics)})
    node.start()
    yield node
    node.kill()


def connect(node: Node) -> socket.socket:
    return socket.create_connection(("127.0.0.1", node.port), timeout=20)


def ask(connection: socket.socket, key: ApiKey, version: int, body: Body) -> bytes:
    connection.sendall(framed(request(key, version, encode(body, version))))
    (size,) = struct.unpack(">i", received(connection, 4))
    return received(connection, size)


class Honest(threading.Thread):
    """Asks ApiVersions again and again; `worst` is the longest it waited, in seconds."""

    def __init__(self, node: Node) -> None:
        super().__init__(daemon=True)
        self.worst = 0.0
        self.answered = 0
        self.over = False
        self.fault: Exception | None = None
        self._connection = connect(node)

    def run(self) -> None:
        try:
            with self._connection as connection:
                while not self.over:
                    began = time.monotonic()
                    connection.sendall(API_VERSIONS)
                    (size,) = struct.unpack(">i", received(connection, 4))
                    received(connection, size)
                    self.worst = max(self.worst, time.monotonic() - began)
                    self.answered += 1
                    time.sleep(0.01)
        except Exception as error:
            self.fault = error


class Siege:
    """What the node was like before, and how much worse it became."""

    def __init__(self, node: Node) -> None:
        assert node.process is not None
        self.node = node
        self.pid = node.process.pid
        self.files = self.open_files()
        self.memory = self.resident()
        self.said = len(node.log.read_bytes())

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def grown(self) -> int:
        return self.resident() - self.memory

    def lines(self) -> list[str]:
        """What the log said since."""
        return self.node.log.read_bytes()[self.said :].decode(errors="replace").splitlines()


@contextlib.contextmanager
def siege(node: Node, *, memory: int, lines: int, files: int = 0) -> Iterator[Siege]:
    """Afterwards: an honest client was served throughout, descriptors are back (`files` new ones may stay), memory
    grew by no more than `memory` bytes, and the log by no more than `lines` lines, none of them a traceback."""
    seen = Siege(node)
    honest = Honest(node)
    honest.start()
    try:
        yield seen
    finally:
        honest.over = True
        honest.join(30)
    assert honest.fault is None and honest.answered > 0
    assert honest.worst < LATENCY_SECONDS
    until = time.monotonic() + 10
    while time.monotonic() < until and (seen.open_files() > seen.files + files or seen.grown() > memory):
        time.sleep(0.1)
    assert seen.open_files() <= seen.files + files
    assert seen.grown() <= memory
    said = seen.lines()
    assert not any("Traceback" in line for line in said)
    assert len(said) <= lines, said[:20]
    assert answers(node.port)


def test_four_hundred_that_say_little_and_some_that_say_it_slowly(served: Node) -> None:
    with siege(served, memory=40 * MIB, lines=0), contextlib.ExitStack() as stack:
        several = [stack.enter_context(connect(served)) for _ in range(400)]
        for number, connection in enumerate(several):
            if number % 4:
                connection.sendall(struct.pack(">i", 100 * MIB) + bytes(1 + number))
        for byte in API_VERSIONS[:8]:
            for connection in several[::4]:
                connection.sendall(bytes((byte,)))
            time.sleep(0.1)


def test_requests_without_end_whose_answers_nobody_reads(served: Node) -> None:
    names = [MetadataRequestTopic(name=f"t{number}") for number in range(5000)]
    body = encode(MetadataRequest(topics=names, allow_auto_topic_creation=False), 12)
    large = framed(request(ApiKey.METADATA, 12, body))
    with siege(served, memory=80 * MIB, lines=0), contextlib.ExitStack() as stack:
        for _ in range(30):
            connection = stack.enter_context(connect(served))
            connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                for _ in range(300):
                    connection.sendall(large)
        time.sleep(0.5)


def test_those_who_send_much_of_a_request_and_leave(served: Node) -> None:
    with siege(served, memory=60 * MIB, lines=0):
        for _ in range(30):
            with connect(served) as connection:
                connection.sendall(struct.pack(">i", 100 * MIB) + bytes(10 * MIB))


def test_storms_of_connections_and_resets(served: Node) -> None:
    with siege(served, memory=20 * MIB, lines=0):
        for number in range(600):
            with connect(served) as connection:
                if number % 2:
                    connection.sendall(API_VERSIONS * 2 + b"\0\0")
                    reset = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n", framed(b"\x7d\x00\0\0\0\0\0\7\xff\xff")])
def test_nonsense_by_the_thousand_is_one_line(served: Node, nonsense: bytes) -> None:
    with siege(served, memory=20 * MIB, lines=2) as seen:
        for _ in range(1000):
            with connect(served) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(nonsense)
                while connection.recv(1000):
                    pass
    assert all("closing 127.0.0.1:" in line for line in seen.lines())


def test_a_request_with_everything_in_it(served: Node) -> None:
    """As many topics as a request may name, and one more than that."""
    with siege(served, memory=250 * MIB, lines=1), connect(served) as connection:
        names = [MetadataRequestTopic(name="t") for _ in range(1 << 18)]
        ask(connection, ApiKey.METADATA, 12, MetadataRequest(topics=names, allow_auto_topic_creation=False))
        names.append(names[0])
        body = encode(MetadataRequest(topics=names), 12)
        connection.sendall(framed(request(ApiKey.METADATA, 12, body)))
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""


def bombs() -> dict[Codec, bytes]:
    """A megabyte at most that unpacks to a gigabyte, or to as much as the codec can make of it."""
    piece = bytes(MIB)
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    return {
        Codec.GZIP: b"".join(gzip.compress(piece) for _ in range(900)) + gzip.flush(),
        Codec.SNAPPY: compress(Codec.SNAPPY, bytes(20 * MIB)),
        Codec.LZ4: compress(Codec.LZ4, bytes(200 * MIB)),
        Codec.ZSTD: compress(Codec.ZSTD, piece) * 1000,
    }


def test_bombs_in_every_codec(served: Node) -> None:
    """To a compacted topic, whose records the node looks at: none gets in, and none takes more than its bound."""
    config = CreatableTopicConfig(name="cleanup.policy", value="compact")
    topic = CreatableTopic(name="bombed", num_partitions=1, replication_factor=1, configs=[config])
    with connect(served) as connection:
        ask(connection, ApiKey.CREATE_TOPICS, 7, CreateTopicsRequest(topics=[topic]))
        time.sleep(0.3)
        with siege(served, memory=160 * MIB, lines=0, files=4):
            for codec, bomb in bombs().items():
                data = PartitionProduceData(index=0, records=batch(bomb, 1, int(codec)))
                body = ProduceRequest(
                    acks=1,
                    timeout_ms=5000,
                    topic_data=[TopicProduceData(name="bombed", partition_data=[data])],
                )
                answer = decode(ProduceResponse, ask(connection, ApiKey.PRODUCE, 9, body), 9, 5)
                assert answer.responses[0].partition_responses[0].error_code == 87, codec


def test_the_metrics_port_under_fire(served: Node) -> None:
    port = int(served.properties["ottla.metrics.port"])

    def scraper() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout=10)

    with siege(served, memory=40 * MIB, lines=3), contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(scraper())
        for _ in range(300):
            with scraper() as connection, contextlib.suppress(ConnectionError):
                connection.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n")
                connection.recv(1000)
    with scraper() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in connection.recv(1000)


def test_without_descriptors_left_it_goes_on_serving_those_it_has(tmp_path: Path) -> None:
    node = Node(tmp_path / "node", ottla())
    node.start()
    try:
        assert node.process is not None
        held = len(os.listdir(f"/proc/{node.process.pid}/fd"))
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (held + 20, held + 20))
        with siege(node, memory=20 * MIB, lines=2) as seen, contextlib.ExitStack() as stack:
            for _ in range(40):
                stack.enter_context(connect(node))
            time.sleep(7)  # long enough for the node to have written its checkpoints
        assert any("cannot accept connections" in line for line in seen.lines())
    finally:
        node.kill()
