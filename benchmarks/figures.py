"""The rows of the table: what each figure means, and the goal for Ottla's against Apache Kafka's."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    title: str
    unit: str
    goal: float | None = None
    """The ratio Ottla : Apache Kafka to reach."""
    less: bool = False
    """Whether less is better."""


FIGURES: dict[str, Figure] = {
    "produce_1k": Figure("produce 1 kB, librdkafka, default batching", "records/s", 1.5),
    "produce_1k_cpu": Figure("· node CPU", "s/GB", 0.4, less=True),
    "produce_1k_busy": Figure("· node busy", "cores"),
    "produce_100": Figure("produce 100 B, librdkafka, default batching", "records/s", 1.2),
    "produce_100_cpu": Figure("· node CPU", "s/GB", 0.4, less=True),
    "produce_100_busy": Figure("· node busy", "cores"),
    "produce_prebuilt": Figure("produce 500 × 1 kB, prebuilt batches, 8 connections", "MB/s"),
    "java_produce": Figure("produce 1 kB, Kafka's ProducerPerformance", "records/s", 1.5),
    "single": Figure("one 100 B record a request, 8 connections", "requests/s", 3),
    "single_cpu": Figure("· node CPU", "µs/request", 0.4, less=True),
    "single_busy": Figure("· node busy", "cores"),
    "single_alone": Figure("one 100 B record a request, one at a time", "requests/s", 3),
    "single_alone_cpu": Figure("· node CPU", "µs/request", 0.4, less=True),
    "consume_1k": Figure("consume 1 kB, librdkafka", "records/s", 2),
    "consume_1k_cpu": Figure("· node CPU", "s/GB", 0.4, less=True),
    "consume_1k_busy": Figure("· node busy", "cores"),
    "consume_raw": Figure("consume, bare fetch loop", "MB/s", 2),
    "java_consume": Figure("consume 1 kB, Kafka's console consumer, its start included", "records/s"),
    "p50": Figure("end to end at 1,000/s, p50", "ms", 0.7, less=True),
    "p99": Figure("end to end at 1,000/s, p99", "ms", 0.5, less=True),
    "start": Figure("start to first acknowledged record", "s", 0.15, less=True),
    "idle": Figure("memory, idle", "MB", 0.1, less=True),
    "loaded": Figure("memory, highest under all this load", "MB", 0.1, less=True),
}

Rounds = dict[str, list[float]]
"""The values of each figure, one a round."""


def number(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def verdict(figure: Figure, ratio: float) -> str:
    if figure.goal is None:
        return ""
    met = ratio <= figure.goal if figure.less else ratio >= figure.goal
    return f"{'≤' if figure.less else '≥'} {figure.goal}× {'met' if met else 'open'}"


def table(ottla: Rounds, apache: Rounds, floor: dict[str, float]) -> list[list[str]]:
    """Rows of text: title, unit, Ottla, Apache Kafka, ratio, goal. The floor's rows close it."""
    rows = [["", "unit", "Ottla", "Apache Kafka", "ratio", "goal"]]
    for name, figure in FIGURES.items():
        ours, theirs = (statistics.median(each[name]) if each.get(name) else None for each in (ottla, apache))
        if ours is None and theirs is None:
            continue
        ratio = ours / theirs if ours is not None and theirs else None
        rows.append(
            [
                figure.title,
                figure.unit,
                "–" if ours is None else number(ours),
                "–" if theirs is None else number(theirs),
                "–" if ratio is None else f"{ratio:.2f}×",
                "" if ratio is None else verdict(figure, ratio),
            ]
        )
    for name, against in (
        ("floor: socket into file", "produce_prebuilt"),
        ("floor: file into socket", "consume_raw"),
    ):
        if name in floor:
            ours = statistics.median(ottla[against]) if ottla.get(against) else None
            share = "" if ours is None else f"Ottla at {ours / floor[name]:.0%} of it"
            rows.append([name, "MB/s", number(floor[name]), "", "", share])
    return rows


def as_text(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 1, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|--:|--:|--:|---|", *lines[1:]])
