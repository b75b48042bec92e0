"""A node that runs, and what a case does with it: topics, and generators as processes of their own."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import apache_kafka
from tests.nodes import Node

from benchmarks import floor, frames
from benchmarks.connection import ask, connect, whole_answer
from benchmarks.process import cpu_seconds

LOAD_SECONDS_MAX = 120
LOOK_SECONDS = 1.0
"""How often a running load is looked after."""
LEADERS_SECONDS_MAX = 60


@dataclass
class Generator:
    """A load generator at work on a process, whose end it may not notice: clients wait long for their broker."""

    process: subprocess.Popen[str]
    loaded: subprocess.Popen[Any]

    def result(self) -> dict[str, Any]:
        """Wait for its end; what it measured. Raises RuntimeError with what it said when it failed."""
        measured: dict[str, Any] = json.loads(output(self.process, self.loaded))
        return measured


def output(process: subprocess.Popen[str], loaded: subprocess.Popen[Any]) -> str:
    """What a process that works on `loaded` printed until its end. Raises RuntimeError when one of them fails."""
    deadline = time.monotonic() + LOAD_SECONDS_MAX
    while True:
        try:
            out, said = process.communicate(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if loaded.poll() is not None:
                raise RuntimeError(f"the node ended with {loaded.returncode} under load") from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"the load was not done in {LOAD_SECONDS_MAX} s") from None
            continue
        if process.returncode:
            raise RuntimeError(f"the load generator ended with {process.returncode}: {said.strip()[-2000:]}")
        return out


@contextlib.contextmanager
def generator(loaded: subprocess.Popen[Any], way: str, **asked: Any) -> Iterator[Generator]:
    """Start one; it is gone afterwards, whatever happens."""
    command = [sys.executable, "-m", "benchmarks.load", way, json.dumps(asked)]
    with process(command) as started:
        yield Generator(started, loaded)


@contextlib.contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@dataclass
class Bench:
    """How much work a running node gets: `scale` 1.0 is the full run."""

    node: Node
    scale: float
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self.node.process is not None, "the node does not run"
        return self.node.process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return self.node.port

    def count(self, full: int) -> int:
        return scaled(full, self.scale)

    def seconds(self, full: float) -> float:
        return max(2.0, full * self.scale)

    @contextlib.contextmanager
    def topic(self, partitions: int = 1, settings: dict[str, str] | None = None) -> Iterator[str]:
        """A new topic, gone with its files at the end: its memory serves the next case."""
        name = f"bench-{next(self.numbers)}"
        quickly_gone = {"file.delete.delay.ms": "0"}
        create_topic(self.port, name, partitions, {**quickly_gone, **(settings or {})})
        try:
            yield name
        finally:
            if self.node.process is not None and self.node.process.poll() is None:
                ask(self.port, frames.delete_topic(name))

    def generator(self, way: str, **asked: Any) -> contextlib.AbstractContextManager[Generator]:
        """A generator that works on this node while something else goes on."""
        return generator(self.process, way, port=self.port, **asked)

    def load(self, way: str, **asked: Any) -> dict[str, Any]:
        """Run a generator to its end; what it measured, and the node's CPU seconds as `cpu`."""
        before = cpu_seconds(self.pid)
        with self.generator(way, **asked) as running:
            measured = running.result()
        return {**measured, "cpu": cpu_seconds(self.pid) - before}

    def java(self, main: str, *args: str) -> tuple[str, float, float]:
        """Run one of Kafka's tools to its end: what it printed, the seconds it took, the node's CPU seconds."""
        before, began = cpu_seconds(self.pid), time.perf_counter()
        with process(apache_kafka.java(main, *args, heap="-Xmx512m")) as running:
            out = output(running, self.process)
        return out, time.perf_counter() - began, cpu_seconds(self.pid) - before


def scaled(full: int, scale: float) -> int:
    return max(1000, int(full * scale))


def create_topic(port: int, name: str, partitions: int, settings: dict[str, str]) -> None:
    """Make it and wait until every partition can be read."""
    error = frames.create_topic_error(ask(port, frames.create_topic(name, partitions, settings)), name)
    if error:
        raise RuntimeError(f"creating {name} answered with error {error}")
    request = frames.fetch_many(name, dict.fromkeys(range(partitions), 0), wait_ms=0, max_bytes=1)
    deadline = time.monotonic() + LEADERS_SECONDS_MAX
    buffer = memoryview(bytearray(max(1 << 16, partitions * 64)))
    with connect(port) as connection:
        while True:
            connection.sendall(request)
            try:
                for _ in frames.fetched_many(whole_answer(connection, buffer), name):
                    pass
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def first_acknowledged(port: int, topic: str = "first", partition: int = 0) -> None:
    """Produce until it is acknowledged. A node that starts may still refuse to be connected to."""
    request = frames.produce(topic, partition, frames.batch([b"first"]))
    deadline = time.monotonic() + LEADERS_SECONDS_MAX
    answer = b""
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            answer = bytes(ask(port, request, 1 << 16))
            if not frames.produce_error(answer, topic):
                return
        time.sleep(0.005)
    raise RuntimeError(f"nothing was acknowledged: {answer!r}")


@contextlib.contextmanager
def process_floor(kind: str, folder: Path, *more: str) -> Iterator[Callable[..., dict[str, float]]]:
    """A floor at work (`benchmarks.floor`), and how to load it with a generator."""
    command = [sys.executable, "-m", "benchmarks.floor", kind, str(folder), *more]
    with process(command) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        if not line:
            raise RuntimeError(f"the floor did not start: {running.communicate()[1][-2000:]}")

        def load(way: str, **asked: Any) -> dict[str, float]:
            before = cpu_seconds(running.pid)
            with generator(running, way, port=int(line), topic=floor.TOPIC, **asked) as started:
                measured = started.result()
            return {**measured, "cpu": cpu_seconds(running.pid) - before}

        yield load
