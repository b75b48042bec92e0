"""What is measured. A case works on a running node and returns figures by the names of `figures.FIGURES`."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests import apache_kafka
from tests.nodes import Node

from benchmarks import frames
from benchmarks.load_raw import whole_answer
from benchmarks.process import cpu_seconds

GB = 1e9


@dataclass
class Bench:
    """A node that runs, and how much work it gets: `scale` 1.0 is the full run."""

    node: Node
    scale: float
    topics: int = 0
    noted: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        assert self.node.process is not None
        return self.node.process.pid

    def count(self, full: int) -> int:
        return max(1000, int(full * self.scale))

    def topic(self, partitions: int = 1) -> str:
        """A new topic, made by a bare request."""
        self.topics += 1
        name = f"bench-{self.topics}"
        create_topic(self.node.port, name, partitions)
        return name

    def load(self, module: str, **asked: Any) -> dict[str, float]:
        """Run a generator to its end; what it measured, and the node's CPU seconds as `cpu`."""
        before = cpu_seconds(self.pid)
        command = [
            sys.executable,
            "-m",
            f"benchmarks.{module}",
            json.dumps({"port": self.node.port, **asked}),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}\n{self.node.tail()}")
        measured: dict[str, float] = json.loads(done.stdout)
        return {**measured, "cpu": cpu_seconds(self.pid) - before}


def create_topic(port: int, name: str, partitions: int) -> None:
    body = struct.pack(">i", 1) + frames.text(name) + struct.pack(">ihiiib", partitions, 1, 0, 0, 30_000, 0)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(frames.frame(frames.CREATE_TOPICS, 4, body))
        answer = whole_answer(connection, memoryview(bytearray(1 << 16)))
        (error,) = struct.unpack_from(">h", answer, 16 + len(frames.text(name)))
        if error:
            raise RuntimeError(f"creating {name} answered with error {error}")
    for partition in range(partitions):
        wait_for_leader(port, name, partition)


def wait_for_leader(port: int, topic: str, partition: int) -> None:
    """Until a fetch from the partition is answered without error."""
    deadline = time.monotonic() + 30
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        buffer = memoryview(bytearray(1 << 16))
        while True:
            connection.sendall(frames.fetch(topic, partition, 0, wait_ms=0, max_bytes=1))
            try:
                frames.fetched(whole_answer(connection, buffer), topic)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def produce_1k(bench: Bench) -> dict[str, float]:
    """librdkafka, default batching, 1 kB; then what it wrote is read by librdkafka and by a bare fetch loop."""
    topic, records = bench.topic(), bench.count(1_500_000)
    made = bench.load("load_librdkafka", what="produce", topic=topic, records=records, size=1000, settings={})
    read = bench.load("load_librdkafka", what="consume", topic=topic, records=records)
    raw = bench.load("load_raw", what="consume", topic=topic, records=records)
    return {
        "produce_1k": made["records"] / made["seconds"],
        "produce_1k_cpu": made["cpu"] / (made["bytes"] / GB),
        "produce_1k_busy": made["cpu"] / made["seconds"],
        "consume_1k": read["records"] / read["seconds"],
        "consume_1k_cpu": read["cpu"] / (made["bytes"] / GB),
        "consume_1k_busy": read["cpu"] / read["seconds"],
        "consume_raw": raw["bytes"] / raw["seconds"] / 1e6,
    }


def produce_100(bench: Bench) -> dict[str, float]:
    topic, records = bench.topic(), bench.count(5_000_000)
    made = bench.load("load_librdkafka", what="produce", topic=topic, records=records, size=100, settings={})
    return {
        "produce_100": made["records"] / made["seconds"],
        "produce_100_cpu": made["cpu"] / (made["bytes"] / GB),
        "produce_100_busy": made["cpu"] / made["seconds"],
    }


def produce_prebuilt(bench: Bench) -> dict[str, float]:
    """Batches built beforehand: the node and the kernel without a client's cost."""
    topic, requests = bench.topic(12), bench.count(4000)
    made = bench.load(
        "load_raw",
        what="produce",
        topic=topic,
        partitions=12,
        size=1000,
        count=500,
        requests=requests,
        lanes=8,
        depth=2,
    )
    return {"produce_prebuilt": made["bytes"] / made["seconds"] / 1e6}


def single(bench: Bench) -> dict[str, float]:
    """One record of 100 bytes a request, eight connections with four under way on each; then one connection that waits each time."""
    topic, requests = bench.topic(8), bench.count(150_000)
    made = bench.load(
        "load_raw",
        what="produce",
        topic=topic,
        partitions=8,
        size=100,
        count=1,
        requests=requests,
        lanes=8,
        depth=4,
    )
    alone = bench.load(
        "load_raw",
        what="produce",
        topic=topic,
        partitions=1,
        size=100,
        count=1,
        requests=requests // 5,
        lanes=1,
        depth=1,
    )
    return {
        "single": made["requests"] / made["seconds"],
        "single_cpu": made["cpu"] / made["requests"] * 1e6,
        "single_busy": made["cpu"] / made["seconds"],
        "single_alone": alone["requests"] / alone["seconds"],
        "single_alone_cpu": alone["cpu"] / alone["requests"] * 1e6,
    }


def latency(bench: Bench) -> dict[str, float]:
    topic = bench.topic()
    measured = bench.load(
        "load_raw", what="latency", topic=topic, rate=1000, seconds=max(2.0, 8 * bench.scale)
    )
    return {"p50": measured["p50"], "p99": measured["p99"]}


def kafka_tools(bench: Bench) -> dict[str, float]:
    """Kafka's own generator and console consumer (its formatter switched off), each a JVM of its own."""
    topic, records = bench.topic(), bench.count(1_000_000)
    command = apache_kafka.java(
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", topic, "--num-records", str(records), "--record-size", "1000", "--throughput", "-1"),
        *("--command-property", f"bootstrap.servers={bench.node.bootstrap}"),
        heap="-Xmx512m",
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    rates = re.findall(r"([\d.]+) records/sec", done.stdout)
    command = apache_kafka.java(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", bench.node.bootstrap, "--topic", topic, "--partition", "0"),
        *("--offset", "earliest", "--max-messages", str(records)),
        *("--formatter", "org.apache.kafka.tools.consumer.NoOpMessageFormatter"),
        heap="-Xmx512m",
    )
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return {"java_produce": float(rates[-1]), "java_consume": records / (time.perf_counter() - began)}


CASES: dict[str, Callable[[Bench], dict[str, float]]] = {
    "produce-1k": produce_1k,
    "produce-100": produce_100,
    "produce-prebuilt": produce_prebuilt,
    "single": single,
    "latency": latency,
    "kafka-tools": kafka_tools,
}
