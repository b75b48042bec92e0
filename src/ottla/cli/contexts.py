"""Named clusters: client properties under a name, in a file of the user.

    current = "dev"

    [contexts.dev]
    "bootstrap.servers" = "localhost:9092"

The file is TOML, $XDG_CONFIG_HOME/ottla/contexts.toml (else ~/.config/ottla/contexts.toml), readable by its owner alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from ottla.cli.options import read_text
from ottla.cli.problems import NOT_FOUND, USAGE, Problem

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Contexts(NamedTuple):
    """What the file holds: the name in use, and the properties of each name."""

    current: str | None
    known: dict[str, dict[str, str]]


def contexts_file(environment: Mapping[str, str]) -> str:
    """Where the file is, whether or not it exists."""
    home = environment.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(home, "ottla", "contexts.toml")


def contexts_in_file(path: str) -> Contexts:
    """The file's contexts, none when there is no file. Raises Problem."""
    return parse_contexts(read_text(path), path) if os.path.exists(path) else Contexts(None, {})


def parse_contexts(text: str, path: str) -> Contexts:
    """The text of the file at `path`. Raises Problem."""
    import tomllib

    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and a number of 5,000 digits
        raise Problem(f"{path} is not TOML: {error}", "correct the file.", USAGE) from error
    tables = found.get("contexts", {})
    current = found.get("current")
    fits = isinstance(tables, dict) and all(isinstance(each, dict) for each in tables.values())
    if not fits or not isinstance(current, (str, type(None))):
        raise Problem(
            f"{path} does not hold contexts", "it reads like: [contexts.dev], then properties.", USAGE
        )
    return Contexts(current, {name: dict(flattened(table)) for name, table in tables.items()})


def flattened(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Properties of a table. TOML takes the dots of a key without quotes for tables in tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", text) for name, text in flattened(value))
        else:
            yield key, str(value)


def properties_in(contexts: Contexts, name: str | None) -> dict[str, str]:
    """The properties of a name, of the one in use for None, nothing where none is. Raises Problem."""
    chosen = name if name is not None else contexts.current
    if chosen is None:
        return {}
    if chosen not in contexts.known:
        raise no_context(contexts, chosen)
    return dict(contexts.known[chosen])


def no_context(contexts: Contexts, name: str) -> Problem:
    near = get_close_matches(name, contexts.known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`ottla context list` shows the contexts there are."
    return Problem(f"there is no context {name!r}", hint, NOT_FOUND)


def write_contexts(path: str, contexts: Contexts) -> None:
    """Put the file in place of the old one, whole or not at all. Raises Problem."""
    from tempfile import mkstemp

    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        number, fresh = mkstemp(
            dir=directory
        )  # new, and its owner's alone: an old file may lie open to others
        try:
            with open(number, "w", encoding="utf-8") as file:
                file.write(contexts_text(contexts))
            os.replace(fresh, path)
        except BaseException:
            os.unlink(fresh)
            raise
    except OSError as error:
        raise Problem(f"cannot write {path}: {error.strerror}", "check the directory.", USAGE) from error


def contexts_text(contexts: Contexts) -> str:
    lines = [] if contexts.current is None else [f"current = {toml_text(contexts.current)}"]
    for name, properties in contexts.known.items():
        lines += ["", f"[contexts.{toml_text(name)}]"]
        lines += [f"{toml_text(key)} = {toml_text(value)}" for key, value in properties.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def toml_text(text: str) -> str:
    """A basic string of TOML, which is written as a string of JSON is."""
    from msgspec import json

    return json.encode(text).decode().replace("\x7f", "\\u007f")
