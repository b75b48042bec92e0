"""End to end: from before a record is sent until a waiting consumer has read it, each record a request of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.bench import process_floor
from benchmarks.figures import Figure, Values
from benchmarks.stage import Case, Stage

THEME = "Latency, end to end"
RATES = (1_000, 10_000)
SECONDS = 5.0
PARTS = (("p50", 0.7), ("p99", 0.5), ("p999", None))


def named(prefix: str, measured: dict[str, float]) -> Values:
    return {f"{prefix}_{part}": measured[part] for part, _ in PARTS}


def at_rate(stage: Stage, rate: int) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        return named(
            f"latency_{rate}", bench.load("latency", topic=topic, rate=rate, seconds=bench.seconds(SECONDS))
        )


def floor(folder: Path, scale: float, rate: int) -> Values:
    with process_floor("straight-through", folder) as load:
        return named(f"latency_{rate}", load("latency", rate=rate, seconds=max(2.0, SECONDS * scale)))


def figures(prefix: str, title: str) -> tuple[Figure, ...]:
    return tuple(
        Figure(f"{prefix}_{part}", f"{title}, {part.replace('999', '99.9')}", "ms", goal, less=True)
        for part, goal in PARTS
    )


CASES = tuple(
    Case(
        f"latency-{rate}",
        THEME,
        figures(f"latency_{rate}", f"{rate:,} records/s"),
        partial(at_rate, rate=rate),
        seconds=5.5,
        floor=partial(floor, rate=rate),
    )
    for rate in RATES
)
