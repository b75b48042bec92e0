"""Finds out which field an encoder stumbled over. Emitted code does not check types; this does, once it is too late."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ottla.core.model.parts import Slice
from ottla.core.wire.declaration import BYTES, STRING, Body, Fixed, Kind, shape_of
from ottla.core.wire.primitives import MAX_STRING


def misfit(message: Body, version: int) -> str | None:
    """The first field that cannot be written in this version, with its value; None when each one could."""
    return next(_in_struct(message, version, type(message).__name__), None)


def _in_struct(body: Body, version: int, path: str) -> Iterator[str]:
    for field in shape_of(type(body)):
        if not field.versions.includes(version):
            continue
        value, where = getattr(body, field.name), f"{path}.{field.name}"
        if value is None:
            if not field.nullable.includes(version):
                yield f"{where} is None"
        elif not field.array:
            yield from _in_value(field.kind, value, version, where)
        elif not isinstance(value, list | tuple):
            yield f"{where} is {value!r:.80}, not a list"
        else:
            for n, element in enumerate(value):
                yield from _in_value(field.kind, element, version, f"{where}[{n}]")


def _in_value(kind: Kind, value: Any, version: int, where: str) -> Iterator[str]:
    if isinstance(kind, type):
        if isinstance(value, kind):
            yield from _in_struct(value, version, where)
        else:
            yield f"{where} is {value!r:.80}, not a {kind.__name__}"
    elif isinstance(kind, Fixed):
        try:
            struct.pack(f">{kind.letter}", value)
        except struct.error as error:
            yield f"{where} is {value!r:.80}: {error}"
    elif kind is STRING:
        if not isinstance(value, str):
            yield f"{where} is {value!r:.80}, not a str"
        elif not _fits(value):
            yield f"{where} is no string of at most {MAX_STRING} bytes of UTF-8: {value!r:.80}"
    elif not isinstance(value, bytes | bytearray | memoryview) and (
        kind is BYTES or not isinstance(value, Slice)
    ):
        yield f"{where} is {value!r:.80}, not bytes"


def _fits(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_STRING
    except UnicodeEncodeError:
        return False
