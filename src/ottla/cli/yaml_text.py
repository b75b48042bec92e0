"""Plain values as YAML 1.2: block style, two spaces, strings quoted where a reader might take them for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@%+-]*( [A-Za-z0-9_./@%+-]+)*")
"""Strings that need no quotes, unless they are one of the WORDS."""
WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What readers of YAML 1.1 or 1.2 take for a null or a boolean, in any mixture of cases."""


def yaml_text(value: Any) -> str:
    """A document: dicts, lists, strings, numbers, booleans, None."""
    return "\n".join(lines_of(value)) + "\n"


def lines_of(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from entry(f"{scalar(str(key))}:", each)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for each in value:
            yield from element(each)
    else:
        yield scalar(value)


def entry(key: str, value: Any) -> Iterator[str]:
    """One key: a scalar stands beside it, a collection under it."""
    if is_scalar(value):
        yield f"{key} {scalar(value)}"
        return
    yield key
    for line in lines_of(value):
        yield f"  {line}"


def element(value: Any) -> Iterator[str]:
    opening = "- "
    for line in lines_of(value):
        yield opening + line
        opening = "  "


def is_scalar(value: Any) -> bool:
    return isinstance(value, str) or not isinstance(value, (Mapping, Sequence)) or not value


def scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, Sequence) else str(value)


def quoted(text: str) -> str:
    """A double-quoted string, which YAML writes as JSON does."""
    from msgspec import json

    return json.encode(text).decode().replace("\x7f", "\\u007f").replace("\x85", "\\u0085")
