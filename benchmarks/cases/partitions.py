"""Two thousand partitions on one node, and one consumer of all of them of which ten are active."""

from __future__ import annotations

import time

from benchmarks import frames
from benchmarks.bench import Bench, create_topic, first_acknowledged
from benchmarks.connection import connect, whole_answer
from benchmarks.figures import Figure, Values
from benchmarks.process import memory_mb
from benchmarks.stage import Case, Stage

THEME = "2,000 partitions on one node"
PARTITIONS, ACTIVE = 2000, 10
RATE, SECONDS = 1_000, 5.0
TOPIC = "many"
METADATA_REQUESTS = 50


def many(stage: Stage) -> Values:
    with stage.own() as bench:
        stage.start(bench.node)
        began = time.perf_counter()
        create_topic(bench.port, TOPIC, PARTITIONS, {})
        created = time.perf_counter() - began
        write_to_each(bench)
        bench.node.stop()
        began = time.perf_counter()
        bench.node.start(poll_seconds=0.005)
        first_acknowledged(bench.port, TOPIC, PARTITIONS - 1)
        started = time.perf_counter() - began
        time.sleep(1)
        memory = memory_mb(bench.pid)
        metadata = bench.load("metadata", requests=METADATA_REQUESTS)
    return {
        "many_create": created,
        "many_start": started,
        "many_memory": memory,
        "many_metadata": metadata["p50"],
    }


def write_to_each(bench: Bench) -> None:
    """One record into every partition, so that each has a file with something in it."""
    records = frames.batch([b"record"])
    buffer = memoryview(bytearray(1 << 16))
    with connect(bench.port) as connection:
        for partition in range(PARTITIONS):
            connection.sendall(frames.produce(TOPIC, partition, records))
            answer = bytes(whole_answer(connection, buffer))
            if frames.produce_error(answer, TOPIC):
                raise RuntimeError(f"produce answered {answer!r}")


def sparse(stage: Stage) -> Values:
    """A fetch session: the node tells of what moved, and has to find it among what did not."""
    bench = stage.bench()
    with bench.topic(PARTITIONS) as topic:
        measured = bench.load(
            "sparse",
            topic=topic,
            partitions=PARTITIONS,
            active=ACTIVE,
            rate=RATE,
            seconds=bench.seconds(SECONDS),
        )
    return {
        "sparse_p50": measured["p50"],
        "sparse_p99": measured["p99"],
        "sparse_cpu": measured["cpu"] / measured["fetches"] * 1e6,
    }


MANY = Case(
    "partitions",
    THEME,
    (
        Figure("many_create", "create a topic of 2,000 partitions, all led", "s"),
        Figure("many_start", "start to first acknowledged record", "s", 0.15, less=True),
        Figure("many_metadata", "Metadata request for all of them, p50", "ms"),
        Figure("many_memory", "memory after the start", "MB", 0.1, less=True),
    ),
    many,
    seconds=13,
    once=True,
)
SPARSE = Case(
    "sparse",
    THEME,
    (
        Figure("sparse_p50", "one consumer of all, 10 active at 1,000/s in all: p50", "ms", 0.7, less=True),
        Figure("sparse_p99", "· p99", "ms", 0.5, less=True),
        Figure("sparse_cpu", "· node CPU, a fetch and the record it brings", "µs", 0.4, less=True),
    ),
    sparse,
    seconds=9,
    once=True,
)
