"""How results are printed: tables for people, JSON with stable field names for programs, on stdout alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]

GAP = "  "
DATA_FORMS = ("json", "jsonl", "yaml")


def print_rows(rows: Sequence[Row], form: str, *, columns: Sequence[str], wide: Sequence[str] = ()) -> None:
    """Print rows as `form`: the `columns` as a table (`wide` adds more), or every field as JSON.

    `name` prints the first column alone.
    """
    if form in DATA_FORMS:
        print_data(rows, form)
    elif form == "name":
        for row in rows:
            click.echo(cell(row[columns[0]]))
    else:
        print_table(rows, [*columns, *wide] if form == "wide" else columns)


def print_data(rows: Sequence[Row], form: str) -> None:
    """For programs. `json`: one indented array; `jsonl`: one object a line; `yaml`: one list."""
    if form == "yaml":
        from ottla.cli.yaml_text import yaml_text

        click.echo(yaml_text(rows), nl=False)
        return
    from msgspec import json

    if form == "jsonl":
        for row in rows:
            click.echo(json.encode(row).decode())
    else:
        click.echo(json.format(json.encode(rows), indent=2).decode())


def print_table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Columns aligned, numbers to the right, headings in capitals. No rows: the headings alone."""
    texts = [[cell(row.get(column)) for column in columns] for row in rows]
    numeric = [
        bool(rows) and all(isinstance(row.get(column), (int, type(None))) for row in rows)
        for column in columns
    ]
    headings = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, each)) for each in zip(headings, *texts, strict=True)]
    click.echo(click.style(line(headings, widths, numeric), bold=True))
    for text in texts:
        click.echo(line(text, widths, numeric))


def line(texts: Iterable[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = [
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(texts, widths, numeric, strict=True)
    ]
    return GAP.join(parts).rstrip()


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{click.style(name.ljust(width), bold=True)}{GAP}{cell(value)}")


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "-"
    return str(value)
