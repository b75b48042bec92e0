"""Where a product shows what it can: one node alive at a time, in a directory that is gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.nodes import Node, Product

from benchmarks.bench import Bench, create_topic, first_acknowledged
from benchmarks.figures import Figure, Values

SHARED = {"log.cleaner.backoff.ms": "200"}
"""The shared node's properties: its cleaner looks for work often, so that a short case sees it at work."""


@dataclass
class Stage:
    """A product in its turn. Most cases share one node, some need one of their own."""

    product: Product
    directory: Path
    scale: float
    shared: Bench | None = None
    pythons: dict[str, str] = field(default_factory=dict)
    """The Python of every build of Ottla that is measured."""

    def bench(self) -> Bench:
        """The node that cases share, warmed up; started when it is first needed, or when the last one died."""
        if self.shared is not None and self.shared.node.process is not None:
            if self.shared.node.process.poll() is None:
                return self.shared
            self.close()
        self.shared = Bench(self.new_node("shared", SHARED), self.scale)
        self.start(self.shared.node)
        warm_up(self.shared)
        return self.shared

    @contextlib.contextmanager
    def own(self, properties: dict[str, str] | None = None) -> Iterator[Bench]:
        """A node of the case's own, not yet started; the shared one makes room for it."""
        self.close()
        node = self.new_node("own", properties or {})
        try:
            yield Bench(node, self.scale)
        finally:
            node.kill()
            shutil.rmtree(node.directory, ignore_errors=True)

    def new_node(self, name: str, properties: dict[str, str]) -> Node:
        return Node(self.directory / name, self.product, properties)

    def start(self, node: Node) -> None:
        """Start it with a topic to write to."""
        node.start()
        create_topic(node.port, "first", 1, {})
        first_acknowledged(node.port)

    def tail(self) -> str:
        """The end of the log of the shared node."""
        return "" if self.shared is None else self.shared.node.tail()

    def close(self) -> None:
        """End the shared node and its directory."""
        if self.shared is not None:
            self.shared.node.kill()
            shutil.rmtree(self.shared.node.directory, ignore_errors=True)
            self.shared = None


def warm_up(bench: Bench) -> None:
    """Let the JVM compile what it will need; Ottla gets the same."""
    share = max(0.3, bench.scale)
    with bench.topic() as topic:
        bench.load(
            "raw-produce", topic=topic, size=1000, count=100, requests=int(10_000 * share), lanes=4, depth=4
        )
        bench.load("raw-consume", topic=topic, records=int(1_000_000 * share))
        bench.load(
            "raw-produce", topic=topic, size=100, count=1, requests=int(60_000 * share), lanes=4, depth=4
        )


@dataclass(frozen=True)
class Case:
    """A measurement: what it is called on the command line, the rows it fills and how."""

    name: str
    theme: str
    figures: tuple[Figure, ...]
    run: Callable[[Stage], Values]
    seconds: float
    """About how long it takes one product in a full run; the time left is told from it."""
    once: bool = False
    """Heavy: measured in the first round only."""
    ottla_only: bool = False
    java: bool = False
    """Whether it needs Kafka's own tools."""
    floor: Callable[[Path, float], Values] | None = None
    """The same without a node, in a folder and at a scale."""


def timed(deed: Callable[[], object]) -> float:
    """The seconds it takes."""
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began
