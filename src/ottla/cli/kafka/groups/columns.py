"""Columns as Kafka's tools set them: each at least so wide, as wide as its longest cell, one blank between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MISSING: Final = "-"
"""What stands where there is nothing."""


def or_missing(value: object) -> str:
    """A cell's text. Kafka's tools say `true`, not `True`."""
    if value is None or value == "":
        return MISSING
    return str(value).lower() if isinstance(value, bool) else str(value)


def widths_of(least: Sequence[int | None], rows: Sequence[Sequence[str]], grows: Sequence[int]) -> list[int]:
    """How wide each column is: `least`, and those in `grows` as wide as their longest cell. None: not padded."""
    widths = [width or 0 for width in least]
    for column in grows:
        widths[column] = max([widths[column], *(len(row[column]) for row in rows)])
    return widths


def line_of(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
