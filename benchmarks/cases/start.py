"""Start and memory."""

from __future__ import annotations

import statistics
import subprocess
import time

from benchmarks.bench import first_acknowledged
from benchmarks.figures import Figure, Values
from benchmarks.plan import APACHE
from benchmarks.process import memory_mb
from benchmarks.stage import Case, Stage, timed

THEME = "Start and memory"
SETTLING_SECONDS = 2
ANSWERS = 5
BROKER = """
import time
began = time.perf_counter()
from ottla.testing import Broker
with Broker() as broker:
    print((time.perf_counter() - began) * 1e3)
"""


def start(stage: Stage) -> Values:
    """A node on a directory that holds a topic already, from the start of its process to an acknowledged record."""
    with stage.own() as bench:
        stage.start(bench.node)
        bench.node.stop()
        began = time.perf_counter()
        bench.node.start(poll_seconds=0.005)
        first_acknowledged(bench.port)
        seconds = time.perf_counter() - began
        time.sleep(SETTLING_SECONDS)
        return {"start": seconds, "memory_idle": memory_mb(bench.pid)}


def loaded(stage: Stage) -> Values:
    return {"memory_loaded": memory_mb(stage.bench().pid, peak=True)}


def answer(stage: Stage) -> Values:
    """`ottla topic list`, or Kafka's own tool, each on its own node: from the start of the process to its end."""
    bench = stage.bench()
    if stage.product.name == APACHE:
        list_topics = ("--bootstrap-server", bench.node.bootstrap, "--list")
        took = [bench.java("org.apache.kafka.tools.TopicCommand", *list_topics)[1] for _ in range(ANSWERS)]
        return {"cli": statistics.median(took)}
    python = stage.pythons[stage.product.name]
    command = [python, "-m", "ottla.cli.main", "topic", "list", "-b", bench.node.bootstrap]
    return {"cli": statistics.median(seconds_of(command) for _ in range(ANSWERS))}


def test_broker(stage: Stage) -> Values:
    """A broker for tests, from its class to its first answer, as a test run meets it: its modules are still to be imported."""
    command = [stage.pythons[stage.product.name], "-c", BROKER]
    took = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(ANSWERS)
    ]
    return {"test_broker": statistics.median(took)}


def seconds_of(command: list[str]) -> float:
    return timed(lambda: subprocess.run(command, capture_output=True, check=True))


START = Case(
    "start",
    THEME,
    (
        Figure("start", "start to first acknowledged record", "s", 0.15, less=True),
        Figure("memory_idle", "memory, idle", "MB", 0.1, less=True),
    ),
    start,
    seconds=5.5,
)
ANSWER = Case(
    "cli-answer",
    THEME,
    (Figure("cli", "a command line's answer: `topic list`", "s", 0.15, less=True),),
    answer,
    seconds=5,
    java=True,
)
TEST_BROKER = Case(
    "test-broker",
    THEME,
    (Figure("test_broker", "a broker for tests, ready, its imports included", "ms", less=True, limit=200),),
    test_broker,
    seconds=1.5,
    ottla_only=True,
)
LOADED = Case(
    "memory",
    THEME,
    (Figure("memory_loaded", "memory, highest under all the load of a round", "MB", 0.1, less=True),),
    loaded,
    seconds=0.1,
)
"""Stands after all cases that load the shared node."""
