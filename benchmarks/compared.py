"""Tables of clients side by side: a table for each node, a column for each client, goals against the client a row names.

A client's value is kept as `row:client`. Our own client has a column for each build of Ottla: `ottla`, `ottla-compiled`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import number
from benchmarks.results import UNKNOWN, Results, Table

OURS = "ottla"


@dataclass(frozen=True)
class Rival:
    client: str
    row: str = ""
    """Whose row counts; empty: the same."""


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    unit: str
    goal: float | None = None
    """What our rate is to be by that of the best rival, for the last build of Ottla that was measured."""
    rivals: tuple[Rival, ...] = ()


def column(product: str) -> str:
    """The column of our client as a build of Ottla brings it."""
    return OURS if product == OURS else f"{OURS}-{product}"


def client_tables(
    results: Results, rows: Sequence[Row], others: Mapping[str, str], theme: str
) -> dict[str, Table]:
    """By title; `others` names the other clients."""
    shown: dict[str, Table] = {}
    ours = {
        column(name): title for name, title in results.titles.items() if column(name) in clients_of(results)
    }
    titles = {name: title.replace("Ottla", "ottla.client", 1) for name, title in ours.items()} | dict(others)
    for product, title in results.titles.items():
        filled = [
            cells for row in rows if (cells := row_of(results, product, row, titles, list(ours))) is not None
        ]
        if filled:
            shown[f"{theme} on {title}"] = [["", "unit", *titles.values(), "goal", "reached"], *filled]
    return shown


def clients_of(results: Results) -> set[str]:
    return {name.partition(":")[2] for values in results.values.values() for name in values if ":" in name}


def row_of(
    results: Results, product: str, row: Row, clients: Mapping[str, str], ours: list[str]
) -> list[str] | None:
    """None when nothing was measured."""
    values = {client: results.median(product, f"{row.name}:{client}") for client in clients}
    if all(value is None for value in values.values()):
        return None
    cells = [UNKNOWN if value is None else number(value) for value in values.values()]
    goal = names = ""
    if row.goal is not None:
        names = ", ".join(dict.fromkeys(clients.get(each.client, each.client) for each in row.rivals))
        goal = f"≥ {row.goal:g}× {names}"
    mine = next((values[name] for name in reversed(ours) if values[name] is not None), None)
    theirs = [results.median(product, f"{each.row or row.name}:{each.client}") for each in row.rivals]
    return [row.title, row.unit, *cells, goal, reached(row.goal, mine, [each for each in theirs if each])]


def reached(goal: float | None, mine: float | None, theirs: Sequence[float]) -> str:
    """The ratio to the best of them, and whether it is enough."""
    if goal is None or mine is None or not theirs:
        return ""
    ratio = mine / max(theirs)
    return f"{ratio:.2f}× {'met' if ratio >= goal else 'open'}"
