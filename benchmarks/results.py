"""What a run measured: kept while it runs, written as JSON, shown as tables by theme."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Rounds, Values, median, number
from benchmarks.plan import APACHE, FLOOR
from benchmarks.stage import Case

FAILED, UNKNOWN = "failed", "–"


@dataclass(frozen=True)
class Failure:
    """A case that came to no figures."""

    product: str
    case: str
    round: int
    reason: str

    def __str__(self) -> str:
        """In one line: what it said last is mostly what it is."""
        return f"{self.case} of {self.product} in round {self.round}: {self.reason.strip().splitlines()[-1]}"


@dataclass
class Results:
    """Every value by product and figure. `titles` names the products' columns, Apache Kafka's last."""

    titles: dict[str, str]
    machine: dict[str, Any]
    values: dict[str, Rounds] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def add(self, product: str, values: Values) -> None:
        mine = self.values.setdefault(product, {})
        for name, value in values.items():
            mine.setdefault(name, []).append(value)

    def median(self, product: str, name: str) -> float | None:
        return median(self.values.get(product, {}), name)

    def has_failed(self, product: str, case: str) -> bool:
        return any((each.product, each.case) == (product, case) for each in self.failures)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` wrote. Raises OSError, ValueError or TypeError for anything else."""
        kept = json.loads(path.read_text())
        failures = [Failure(**each) for each in kept.pop("failures")]
        return cls(**kept, failures=failures)


Table = list[list[str]]
"""Rows of cells, the header first."""


def tables(results: Results, cases: Iterable[Case], themes: Sequence[str]) -> dict[str, Table]:
    """A table for each theme that has something to show."""
    shown: dict[str, Table] = {}
    cases = list(cases)
    for theme in themes:
        rows = [
            row
            for case in cases
            if case.theme == theme
            for figure in case.figures
            if (row := row_of(results, case, figure)) is not None
        ]
        if rows:
            shown[theme] = [header(results), *rows]
    return shown


def header(results: Results) -> list[str]:
    ours = [title for name, title in results.titles.items() if name != APACHE]
    ratios = ["ratio", *(f"ratio, {title}" for title in ours[1:])]
    return ["", "unit", *results.titles.values(), *ratios, "goal", "floor"]


def row_of(results: Results, case: Case, figure: Figure) -> list[str] | None:
    """The figure in every product and its ratios to Apache Kafka; None when no product shows anything."""
    medians = {product: results.median(product, figure.name) for product in results.titles}
    cells = [
        number(value) if value is not None else FAILED if results.has_failed(product, case.name) else UNKNOWN
        for product, value in medians.items()
    ]
    lowest = results.median(FLOOR, figure.name)
    if all(cell == UNKNOWN for cell in cells) and lowest is None:
        return None
    theirs = medians.get(APACHE)
    ratios = [ratio_cell(figure, medians[each], theirs) for each in results.titles if each != APACHE]
    first = next((value for product, value in medians.items() if product != APACHE), None)
    floor = floor_cell(figure, first, lowest)
    return [figure.title, figure.unit, *cells, *(ratios or [UNKNOWN]), figure.shown_goal(), floor]


def ratio_cell(figure: Figure, ours: float | None, theirs: float | None) -> str:
    if figure.unit == "cores":
        return ""
    if figure.limit is not None and ours is not None:
        return "met" if ours <= figure.limit else "open"
    if ours is None or not theirs:
        return UNKNOWN
    ratio = ours / theirs
    met = figure.met(ratio)
    return f"{ratio:.2f}×" + ("" if met is None else " met" if met else " open")


def floor_cell(figure: Figure, ours: float | None, floor: float | None) -> str:
    """The floor's value; where more is better, how much of it is reached too."""
    if floor is None:
        return ""
    share = "" if figure.less or figure.unit == "cores" or ours is None else f" ({ours / floor:.0%})"
    return number(floor) + share


def as_text(shown: dict[str, Table]) -> str:
    """For a terminal; tables with as many columns stand in line."""
    titled = [[[theme, *head[1:]], *body] for theme, (head, *body) in shown.items()]
    if not titled:
        return "nothing was measured"
    alike: dict[int, list[list[str]]] = {}
    for table in titled:
        alike.setdefault(len(table[0]), []).extend(table)
    widths = {
        count: [max(map(len, column)) for column in zip(*rows, strict=True)] for count, rows in alike.items()
    }
    return "\n\n".join("\n".join(line(row, widths[len(row)]) for row in table) for table in titled)


def line(row: list[str], widths: list[int]) -> str:
    left = (0, 1, len(row) - 2)
    cells = [
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def as_markdown(shown: dict[str, Table]) -> str:
    """For the page: a heading and a table a theme."""
    blocks = []
    for theme, (head, *body) in shown.items():
        rule = ["---", "---", *["--:"] * (len(head) - 4), "---", "--:"]
        rows = [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
        blocks.append("\n".join([f"### {theme}", "", *rows]))
    return "\n\n".join(blocks)
