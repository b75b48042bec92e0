"""Prometheus text exposition (format 0.0.4): numbers in, one page of text out.

A page is built anew for every scrape from numbers that the node keeps as plain attributes, so counting costs the hot
path an addition and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Kind: TypeAlias = Literal["counter", "gauge", "summary"]
Labels: TypeAlias = Mapping[str, str]

QUANTILES: Final = (0.5, 0.75, 0.95, 0.98, 0.99, 0.999)
"""What is told of every distribution."""

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def _label_text(labels: Labels) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{inside}}}"


def _number(value: float) -> str:
    """Integers without a point, floats as short as they round-trip."""
    if isinstance(value, int):
        return str(int(value))
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


class Page:
    """One scrape. Samples of a name stay together, as the format demands, in the order the names first came."""

    __slots__ = ("_families",)

    def __init__(self) -> None:
        self._families: dict[str, list[str]] = {}

    def counter(self, name: str, value: float, labels: Labels | None = None, text: str = "") -> None:
        """One sample. `text` is the family's help line and counts only the first time."""
        self._family("counter", name, text).append(f"{name}{_label_text(labels or {})} {_number(value)}")

    def gauge(self, name: str, value: float, labels: Labels | None = None, text: str = "") -> None:
        """As `counter`, of a number that may fall."""
        self._family("gauge", name, text).append(f"{name}{_label_text(labels or {})} {_number(value)}")

    def summary(
        self,
        name: str,
        quantiles: Mapping[float, float],
        count: int,
        total: float,
        labels: Labels,
        text: str = "",
    ) -> None:
        """Quantiles, count and sum of one distribution: one family, as the format demands."""
        lines = self._family("summary", name, text)
        for quantile, value in quantiles.items():
            lines.append(f"{name}{_label_text({**labels, 'quantile': str(quantile)})} {_number(value)}")
        lines.append(f"{name}_sum{_label_text(labels)} {_number(total)}")
        lines.append(f"{name}_count{_label_text(labels)} {count}")

    def _family(self, kind: Kind, name: str, text: str) -> list[str]:
        lines = self._families.get(name)
        if lines is None:
            lines = self._families[name] = []
            if text:
                lines.append(f"# HELP {name} {text}")
            lines.append(f"# TYPE {name} {kind}")
        return lines

    def text(self) -> str:
        """The page, ending in a newline."""
        return "".join(f"{line}\n" for lines in self._families.values() for line in lines)
