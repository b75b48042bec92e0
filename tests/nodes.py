"""One node as a real process: Ottla or Apache Kafka, from the same properties on the same directory.

A `Node` belongs to a directory, not to a product: stop it, start it again as the other product, and it goes on with
the same data, the same ports and the same id. That is what the tests of reach and the benchmarks are made of.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
STANDALONE = {"controller.quorum.voters": "", "controller.quorum.bootstrap.servers": "127.0.0.1:1"}
"""For a quorum that keeps its voters in its log; a voter asks nobody where the others are."""
START_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True)
class Product:
    """What a `Node` runs: two command lines, to which `-t ID -c FILE` and `FILE` are added."""

    name: str
    format: list[str]
    server: list[str]

    def standalone(self) -> Product:
        """The same, formatted as the only voter of a dynamic quorum. Its properties need `STANDALONE`."""
        return replace(self, format=[*self.format, "-s"])


def ottla() -> Product:
    """This project, as installed in the running Python, or in the one that OTTLA_TEST_PYTHON names (a wheel's, say)."""
    command = [os.environ.get("OTTLA_TEST_PYTHON", sys.executable), "-m", "ottla.cli.main"]
    return Product("ottla", [*command, "storage", "format"], [*command, "server"])


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def received(connection: socket.socket, size: int) -> bytes:
    """So many bytes, fewer where the connection ends. (MSG_WAITALL does not wait on sockets with a timeout.)"""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


@dataclass
class Node:
    """A combined KRaft node in `directory`: `data/` holds its logs, `server.properties` its settings."""

    directory: Path
    product: Product
    properties: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self.controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.config = self.directory / "server.properties"
        self.write_config()

    def write_config(self) -> None:
        """Put `properties` over the base every node has."""
        base = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.data),
            # The tests' records are dated years ago, so that their times are known: time alone deletes none.
            "log.retention.ms": "-1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
        }
        lines = [f"{key}={value}\n" for key, value in {**base, **self.properties}.items()]
        self.config.write_text("".join(lines))

    def format(self) -> None:
        """Make the directory a node's; does nothing when it is one already."""
        if (self.data / "meta.properties").exists():
            return
        command = [*self.product.format, "-t", CLUSTER_ID, "-c", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise AssertionError(f"format ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def start(self, product: Product | None = None, *, poll_seconds: float = 0.02) -> float:
        """Start (as `product`, else as before) and wait until it answers. Returns the seconds that took."""
        assert self.process is None, "the node runs already"
        self.product = product or self.product
        self.format()
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.product.server, str(self.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while not answers(self.port):
            if self.process.poll() is not None:
                self.process = None
                raise AssertionError(f"{self.product.name} ended while starting:\n{self.tail()}")
            if time.monotonic() - began > START_SECONDS:
                self.kill()
                raise AssertionError(
                    f"{self.product.name} did not answer in {START_SECONDS} s:\n{self.tail()}"
                )
            time.sleep(poll_seconds)
        return time.monotonic() - began

    def stop(self) -> int:
        """SIGTERM and wait. Returns the exit code; kills and fails when it does not end."""
        assert self.process is not None, "the node does not run"
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.product.name} did not stop in {STOP_SECONDS} s:\n{self.tail()}"
            ) from None
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL, as sudden as it gets. Nothing happens when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def tail(self, size: int = 4000) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


def answers(port: int) -> bool:
    """Whether a Kafka node on loopback answers ApiVersions on `port`."""
    request = struct.pack(">hhih", 18, 0, 7, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            connection.settimeout(2)
            head = received(connection, 8)
    except OSError:
        return False
    return len(head) == 8 and struct.unpack(">i", head[4:])[0] == 7
