"""Hostile and clumsy connections against the real process: each is turned away, everybody else is served on."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodes import Node, Product, answers, received

CONNECTIONS = 300
REQUEST_MAX = 104_857_600
"""The default of `socket.request.max.bytes`."""

API_VERSIONS = struct.pack(">hhih", 18, 0, 7, -1)


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


HOSTILE = {
    "a length below zero": struct.pack(">i", -1) + b"x" * 64,
    "the lowest length": struct.pack(">i", -(2**31)),
    "a length above the limit": struct.pack(">i", REQUEST_MAX + 1) + b"x" * 64,
    "the highest length": struct.pack(">i", 2**31 - 1) + b"x" * 64,
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(range(200)),
    "an empty frame": framed(b""),
    "a frame shorter than a header": framed(b"\x00\x12\x00"),
    "an unknown API": framed(struct.pack(">hhih", 32000, 0, 7, -1)),
    "a negative API": framed(struct.pack(">hhih", -5, 0, 7, -1)),
    "a version from the future": framed(struct.pack(">hhih", 3, 99, 7, -1) + b"\x00" * 8),
    "a version of long ago": framed(struct.pack(">hhih", 1, 0, 7, -1) + b"\x00" * 16),
    "a body cut short": framed(struct.pack(">hhih", 3, 1, 7, -1) + b"\x00\x00"),
    "an array longer than its frame": framed(
        struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">i", 2**31 - 1)
    ),
    "a string longer than its frame": framed(
        struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">ih", 1, 32767) + b"x"
    ),
    "a client id longer than its frame": framed(struct.pack(">hhih", 18, 0, 7, 32767) + b"x"),
    "an endless varint": framed(struct.pack(">hhih", 18, 3, 7, -1) + b"\xff" * 40),
    "a good request, then garbage": framed(API_VERSIONS) + os.urandom(4096),
}


@pytest.fixture(scope="module")
def served(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(Path(tmp_path_factory.mktemp("node")), product)
    node.start()
    yield node
    node.kill()


def connect(node: Node) -> socket.socket:
    return socket.create_connection(("127.0.0.1", node.port), timeout=10)


def hung_up(connection: socket.socket) -> bool:
    """Whether the node ends the connection, whatever it says before."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    return True


def resident_bytes(node: Node) -> int:
    assert node.process is not None
    status = Path(f"/proc/{node.process.pid}/statm").read_text()
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("name", HOSTILE)
def test_is_turned_away_while_others_are_served(served: Node, name: str) -> None:
    with connect(served) as before, connect(served) as hostile:
        hostile.sendall(HOSTILE[name])
        if name == "a good request, then garbage":
            # Four random bytes may be a plausible length that never comes; the end of the stream ends the wait.
            hostile.shutdown(socket.SHUT_WR)
        assert hung_up(hostile)
        before.sendall(framed(API_VERSIONS))
        assert received(before, 8)[4:] == struct.pack(">i", 7)
    assert answers(served.port)


def test_an_unknown_version_of_api_versions_is_answered_in_the_oldest(served: Node) -> None:
    with connect(served) as connection:
        connection.sendall(framed(struct.pack(">hhih", 18, 99, 7, -1) + bytes(4)))
        size, correlation, error = struct.unpack(">iih", received(connection, 10))
        assert (correlation, error) == (7, 35)
        received(connection, size - 6)
        connection.sendall(framed(API_VERSIONS))
        assert received(connection, 8)[4:] == struct.pack(">i", 7)


def test_a_request_that_drips_in_byte_by_byte(served: Node) -> None:
    with connect(served) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(API_VERSIONS) * 2:
            connection.sendall(bytes([byte]))
            time.sleep(0.005)
        assert received(connection, 8)[4:] == struct.pack(">i", 7)


def test_many_requests_in_one_segment_are_answered_in_order(served: Node) -> None:
    with connect(served) as connection:
        connection.sendall(b"".join(framed(struct.pack(">hhih", 18, 0, n, -1)) for n in range(500)))
        for n in range(500):
            size, correlation = struct.unpack(">ii", received(connection, 8))
            assert correlation == n
            received(connection, size - 4)


def test_idle_and_half_said_connections_cost_little(served: Node) -> None:
    """Each declares a request of the largest size and sends little of it: memory follows what came, not what was said."""
    if served.product.name == "apache":
        pytest.skip("Apache Kafka allocates what a length declares")
    before = resident_bytes(served)
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(connect(served))
            connection.sendall(struct.pack(">i", REQUEST_MAX) + API_VERSIONS + bytes(1000))
        assert answers(served.port)
        time.sleep(0.5)
        assert resident_bytes(served) - before < 50 << 20
        began = time.monotonic()
        assert answers(served.port)
        assert time.monotonic() - began < 2


def test_those_who_leave_in_the_middle(served: Node) -> None:
    for size in (1, 3, 4, 6, 11):
        with connect(served) as connection:
            connection.sendall(framed(API_VERSIONS)[:size])
    with connect(served) as connection:
        connection.sendall(framed(API_VERSIONS) * 200)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert answers(served.port)


def test_the_log_names_each_reason_and_is_not_flooded(served: Node) -> None:
    if served.product.name == "apache":
        pytest.skip("Apache Kafka's log is its own affair")
    for _ in range(200):
        with connect(served) as connection:
            connection.sendall(HOSTILE["HTTP"])
            assert hung_up(connection)
    said = served.log.read_text(errors="replace")
    closings = [line for line in said.splitlines() if "closing 127.0.0.1:" in line]
    assert "Traceback" not in said
    assert len(closings) <= 2 * len(HOSTILE)
    for reason in (
        "a frame of -1 bytes",
        "API with key 32000",
        "Metadata has no version 99",
        "cannot be read",
    ):
        assert any(reason in line for line in closings), reason
