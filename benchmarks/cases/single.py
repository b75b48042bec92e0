"""One record of 100 bytes a request: what a request costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import process_floor, scaled
from benchmarks.figures import Figure, Values, busy, generator_busy, rated
from benchmarks.stage import Case, Stage

THEME = "One 100 B record a request"
SIZE = 100


@dataclass(frozen=True)
class Variant:
    name: str
    title: str
    requests: int
    settings: dict[str, str] = field(default_factory=dict)
    lanes: int = 1
    depth: int = 1


ONE = {"batch.num.messages": "1", "linger.ms": "0", "acks": "all"}
LIBRDKAFKA = (
    Variant("single", "librdkafka, 1 connection", 60_000, ONE),
    Variant("single_five", "librdkafka, 5 in flight", 50_000, {**ONE, "max.in.flight": "5"}),
    Variant("single_idempotent", "librdkafka, idempotent", 40_000, {**ONE, "enable.idempotence": "true"}),
)
RAW = (
    Variant("single_1x50", "raw, 1 connection, 50 in flight", 80_000, lanes=1, depth=50),
    Variant("single_10x5", "raw, 10 connections, 5 in flight each", 80_000, lanes=10, depth=5),
    Variant("single_100x1", "raw, 100 connections, one at a time", 80_000, lanes=100),
    Variant("single_1x1", "raw, 1 connection, one at a time", 20_000),
)


def figures(variant: Variant) -> tuple[Figure, ...]:
    return (
        Figure(variant.name, variant.title, "requests/s", 3),
        Figure(f"{variant.name}_cpu", "· node CPU", "µs/request", 0.4, less=True),
        busy(variant.name),
        *([generator_busy(variant.name)] if variant in LIBRDKAFKA else []),
    )


def values(variant: Variant, requests: float, made: dict[str, float]) -> Values:
    return {
        **rated(variant.name, requests, made),
        f"{variant.name}_busy": made["cpu"] / made["seconds"],
        f"{variant.name}_generator": made["generator_cpu"] / made["seconds"],
    }


def librdkafka(stage: Stage, variant: Variant) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        made = bench.load(
            "librdkafka-produce",
            topic=topic,
            records=bench.count(variant.requests),
            size=SIZE,
            settings=variant.settings,
        )
    return values(variant, made["records"], made)


def raw_asked(variant: Variant, scale: float) -> dict[str, Any]:
    requests = scaled(variant.requests, scale)
    return {"size": SIZE, "count": 1, "requests": requests, "lanes": variant.lanes, "depth": variant.depth}


def raw(stage: Stage, variant: Variant) -> Values:
    bench, partitions = stage.bench(), min(variant.lanes, 10)
    with bench.topic(partitions) as topic:
        made = bench.load(
            "raw-produce", topic=topic, partitions=partitions, **raw_asked(variant, bench.scale)
        )
    return values(variant, made["requests"], made)


def floor(folder: Path, scale: float, variant: Variant) -> Values:
    with process_floor("into-file", folder) as load:
        made = load("raw-produce", **raw_asked(variant, scale))
    return values(variant, made["requests"], made)


CASES = (
    *(
        Case(
            variant.name.replace("_", "-"),
            THEME,
            figures(variant),
            partial(librdkafka, variant=variant),
            seconds=3.5,
        )
        for variant in LIBRDKAFKA
    ),
    *(
        Case(
            variant.name.replace("_", "-"),
            THEME,
            figures(variant),
            partial(raw, variant=variant),
            seconds=3,
            floor=partial(floor, variant=variant),
        )
        for variant in RAW
    ),
)
