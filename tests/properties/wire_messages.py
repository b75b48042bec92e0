"""Strategies for messages, built from their declarations."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ottla.core.wire import headers, messages
from ottla.core.wire.declaration import BOOL, BYTES, RECORDS, STRING, UUID, Body, Field, Fixed, shape_of

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@cache
def declared() -> tuple[type[Body], ...]:
    """Every outermost message there is."""
    found = pkgutil.walk_packages(messages.__path__, f"{messages.__name__}.")
    modules: list[Any] = [headers, *(importlib.import_module(module.name) for module in found)]
    classes = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Body) and "wire" in vars(each)
    }
    return tuple(sorted(classes, key=lambda each: each.__name__))


def every_version() -> list[tuple[type[Body], int]]:
    return [(cls, version) for cls in declared() for version in cls.wire.versions.each()]


class Limits:
    """How wide the values may be: a judge with narrower types of its own needs narrower ones."""

    def __init__(self, int64: st.SearchStrategy[int] | None = None) -> None:
        self.int64 = st.integers(-(2**63), 2**63 - 1) if int64 is None else int64

    def numbers(self, kind: Fixed, field: Field) -> st.SearchStrategy[Any]:
        if kind.name == "int64":
            return self.int64
        if kind.name == "float64":
            return FLOATS
        bits = 8 * kind.size
        return (
            st.integers(0, 2**bits - 1)
            if kind.name[0] == "u"
            else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )


WIDE = Limits()


def message(cls: type[Body], version: int, limits: Limits = WIDE) -> st.SearchStrategy[Any]:
    """Messages that can be written in `version`: what is absent there holds its default."""
    key = (cls, version, limits)
    if key not in _BUILT:
        present = {
            field.name: _field(field, version, limits)
            for field in shape_of(cls)
            if field.versions.includes(version)
        }
        _BUILT[key] = st.builds(cls, **present)
    return _BUILT[key]


_BUILT: dict[tuple[type[Body], int, Limits], st.SearchStrategy[Any]] = {}


def _field(field: Field, version: int, limits: Limits) -> st.SearchStrategy[Any]:
    value = _kind(field, version, limits)
    if field.array:
        value = st.lists(value, max_size=2 if isinstance(field.kind, type) else 3)
    if field.nullable.includes(version):
        value = st.none() | value
    return value


def _kind(field: Field, version: int, limits: Limits) -> st.SearchStrategy[Any]:
    kind = field.kind
    if kind is STRING:
        return st.text(max_size=6)
    if kind in (BYTES, RECORDS):
        return st.binary(max_size=6)
    if kind is BOOL:
        return st.booleans()
    if kind is UUID:
        return st.binary(min_size=16, max_size=16)
    if isinstance(kind, Fixed):
        return limits.numbers(kind, field)
    assert isinstance(kind, type)
    return message(kind, version, limits)
