"""Figures and what they say: a row of the table, the goal for Ottla's against Apache Kafka's, medians and percentiles."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Values = dict[str, float]
"""What a case measured, by the names of its figures."""

Rounds = dict[str, list[float]]
"""The values of each figure, one a round."""


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    unit: str
    goal: float | None = None
    """The ratio Ottla : Apache Kafka to reach."""
    less: bool = False
    """Whether less is better."""
    limit: float | None = None
    """What Ottla's figure itself may be at most, whatever Apache Kafka's is."""

    def met(self, ratio: float) -> bool | None:
        """Whether the ratio reaches the goal; None without one."""
        if self.goal is None:
            return None
        return ratio <= self.goal if self.less else ratio >= self.goal

    def shown_goal(self) -> str:
        if self.limit is not None:
            return f"≤ {self.limit:g} {self.unit}"
        return "" if self.goal is None else f"{'≤' if self.less else '≥'} {self.goal:g}×"


def cpu_per_gb(name: str) -> Figure:
    """The row under one of throughput: what the node spent on a gigabyte of record values."""
    return Figure(f"{name}_cpu", "· node CPU", "s/GB", 0.4, less=True)


def busy(name: str) -> Figure:
    return Figure(f"{name}_busy", "· node busy", "cores")


def generator_busy(name: str) -> Figure:
    return Figure(f"{name}_generator", "· generator busy", "cores")


def throughput(name: str, measured: Mapping[str, float], volume: float) -> Values:
    """The values of `name` and of the rows under it. `volume` is in bytes of record values."""
    seconds = measured["seconds"]
    return {
        name: measured["records"] / seconds,
        f"{name}_cpu": measured["cpu"] / (volume / 1e9),
        f"{name}_busy": measured["cpu"] / seconds,
        f"{name}_generator": measured["generator_cpu"] / seconds,
    }


def rated(name: str, count: float, measured: Mapping[str, float]) -> Values:
    """The value of `name`, how many in a second, and of the row under it: what one costs the node in microseconds."""
    return {name: count / measured["seconds"], f"{name}_cpu": measured["cpu"] / count * 1e6}


def median(rounds: Mapping[str, Sequence[float]], name: str) -> float | None:
    values = rounds.get(name)
    return statistics.median(values) if values else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank). Raises ValueError when there are none."""
    if not ordered:
        raise ValueError("no values, so no percentile")
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def percentiles(seconds: Sequence[float]) -> Values:
    """p50, p99 and p99.9 in milliseconds."""
    ordered = sorted(seconds)
    shares = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    return {name: percentile(ordered, share) * 1e3 for name, share in shares}


def number(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
