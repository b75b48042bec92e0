"""What the two emitters share: a page of source under construction, and the function it becomes.

Emitted source is registered in `linecache`, so that tracebacks, debuggers and profilers show it.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ottla.core.wire.declaration import STRING, Body, Field, Fixed, Kind, Wire, shape_of


class Page:
    """Lines of a function, and the constants it refers to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._indent = 1
        self._names = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self._indent += 1
        yield
        self._indent -= 1

    def name(self, stem: str) -> str:
        """A local name nobody else has."""
        self._names += 1
        return f"{stem}_{self._names}"

    def constant(self, name: str, value: Any, *, shared: bool = False) -> str:
        """Make `value` known to the function as `name`, made distinct when that is taken by something else.

        `shared`: whatever has the name already is as good.
        """
        chosen, n = name, 1
        while chosen in self.constants and self.constants[chosen] is not value and not shared:
            n += 1
            chosen = f"{name}{n}"
        self.constants[chosen] = value
        return chosen

    def function(self, name: str, arguments: str) -> Any:
        """Compile what was written. The source ends in the function's `__source__`."""
        source = "\n".join([f"def {name}({arguments}):", *self.lines, ""])
        file = f"<ottla wire {name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        namespace = dict(self.constants)
        exec(compile(source, file, "exec"), namespace)
        function = namespace[name]
        function.__source__ = source
        return function


def fields_of(cls: type[Body], version: int) -> tuple[list[Field], list[Field], list[Field]]:
    """The fields of a struct in one version: those in their place, those in the tagged section, those absent."""
    placed, tagged, absent = [], [], []
    for field in shape_of(cls):
        if not field.versions.includes(version):
            absent.append(field)
        elif field.tag is not None:
            tagged.append(field)
        else:
            placed.append(field)
    return placed, sorted(tagged, key=lambda field: field.tag or 0), absent


def smallest(kind: Kind, wire: Wire, version: int, *, compact: bool) -> int:
    """The fewest bytes a value of this kind takes. `compact`: its length, if it has one, is a varint."""
    if isinstance(kind, Fixed):
        return kind.size
    if isinstance(kind, str):
        return 1 if compact else 2 if kind is STRING else 4
    placed, _, _ = fields_of(kind, version)
    flexible = wire.flexible.includes(version)
    return sum(_smallest_field(field, wire, version, flexible) for field in placed) + flexible


def _smallest_field(field: Field, wire: Wire, version: int, flexible: bool) -> int:
    if field.array:
        return 1 if flexible else 4
    if isinstance(field.kind, type) and field.nullable.includes(version):
        return 1
    return smallest(field.kind, wire, version, compact=flexible and not field.inflexible)
