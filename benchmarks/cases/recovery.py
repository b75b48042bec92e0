"""Recovery: a node that was killed finds its log as it was."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from benchmarks.bench import Bench, create_topic, first_acknowledged
from benchmarks.figures import Figure, Values
from benchmarks.process import memory_mb
from benchmarks.stage import Case, Stage

THEME = "Recovery"
TOPIC = "filled"
GIGABYTES = 5
SIZE, COUNT = 1000, 1000
ROOM = 1.5
"""How many times the log's size has to be free on the disk."""


def recovery(stage: Stage) -> Values:
    """Five gigabytes in one partition, SIGKILL, start: until the partition acknowledges a record again. The files are
    in the page cache, as they are after a crash of the process; nothing says that they are whole. Before that the same
    with next to nothing in the log, for a node that was killed waits for more than its log."""
    wanted = int(GIGABYTES * 1e9 * stage.scale)
    need_room(stage.directory, wanted)
    with stage.own() as bench:
        stage.start(bench.node)
        create_topic(bench.port, TOPIC, 1, {})
        first_acknowledged(bench.port, TOPIC)
        empty = killed_and_back(bench)
        fill(bench, TOPIC, wanted)
        full = killed_and_back(bench)
        return {
            "recovery_empty": empty,
            "recovery": full,
            "recovery_memory": memory_mb(bench.pid, peak=True),
        }


def killed_and_back(bench: Bench) -> float:
    """Seconds from the start of the process that follows the killed one to an acknowledged record."""
    bench.node.kill()
    began = time.perf_counter()
    bench.node.start(poll_seconds=0.005)
    first_acknowledged(bench.port, TOPIC)
    return time.perf_counter() - began


def fill(bench: Bench, topic: str, volume: int) -> int:
    """At least `volume` bytes of records of 1 kB in prebuilt batches; how many records."""
    filled = bench.load(
        "raw-produce", topic=topic, size=SIZE, count=COUNT, requests=-(-volume // (SIZE * COUNT)), depth=2
    )
    return int(filled["records"])


def need_room(directory: Path, volume: int) -> None:
    """Raises RuntimeError when the disk cannot hold it."""
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    if free < volume * ROOM:
        raise RuntimeError(
            f"the disk has {free / 1e9:.1f} GB free, this needs {volume * ROOM / 1e9:.1f}: use --dir"
        )


CASES = (
    Case(
        "recovery",
        THEME,
        (
            Figure("recovery_empty", "empty log after SIGKILL: start to first acknowledged record", "s"),
            Figure("recovery", "5 GB log after SIGKILL: start to first acknowledged record", "s"),
            Figure("recovery_memory", "· highest memory", "MB", 0.1, less=True),
        ),
        recovery,
        seconds=22,
        once=True,
    ),
)
