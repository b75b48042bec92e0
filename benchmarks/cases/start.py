"""Start and memory."""

from __future__ import annotations

import time

from benchmarks.bench import first_acknowledged
from benchmarks.figures import Figure, Values
from benchmarks.process import memory_mb
from benchmarks.stage import Case, Stage

THEME = "Start and memory"
SETTLING_SECONDS = 2


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
LOADED = Case(
    "memory",
    THEME,
    (Figure("memory_loaded", "memory, highest under all the load of a round", "MB", 0.1, less=True),),
    loaded,
    seconds=0.1,
)
"""Stands after all cases that load the shared node."""
