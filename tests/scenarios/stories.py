"""Stories: text files of commands and what came of them, run against a machine.

    # a comment
    register 1
    ----
    RegisterBrokerRecord broker_id=1 …
    reply: BrokerRegistrationResponse broker_epoch=2

A blank line ends the outcome. `OTTLA_REWRITE=1 pytest tests/scenarios` writes down what happens now; the reader of the
change then decides whether it is right.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import uuid_text

SEPARATOR = "----"


def told(value: Any) -> str:
    """A message, record, event or effect in one line: its name and what does not hold its default."""
    if isinstance(value, msgspec.Struct):
        fields = []
        for field in msgspec.structs.fields(value):
            held = getattr(value, field.name)
            if field.default_factory is not msgspec.NODEFAULT:
                usual = field.default_factory()
            else:
                usual = field.default
            if held != usual:
                named = ErrorCode(held).name if field.name == "error_code" else told(held)
                fields.append(f"{field.name}={named}")
        return " ".join([type(value).__name__, *fields])
    if isinstance(value, bytes):
        return uuid_text(value) if len(value) == 16 else value.hex()
    if isinstance(value, list | tuple):
        inner = ", ".join(f"({told(v)})" if isinstance(v, msgspec.Struct) else told(v) for v in value)
        return f"[{inner}]"
    return str(value)


def play(path: Path, run: Callable[[str], list[str]]) -> None:
    """Run every command of the story and compare; with OTTLA_REWRITE, write the outcome into the file."""
    lines = path.read_text().splitlines()
    out: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.strip() or line.startswith("#"):
            out.append(line)
            position += 1
            continue
        commands = []
        while position < len(lines) and lines[position] != SEPARATOR:
            commands.append(lines[position])
            position += 1
        position += 1
        expected = []
        while position < len(lines) and lines[position].strip():
            expected.append(lines[position])
            position += 1
        seen = [each for command in commands for each in run(command)]
        if "OTTLA_REWRITE" not in os.environ:
            assert seen == expected, f"{path.name}: {' / '.join(commands)}"
        out += [*commands, SEPARATOR, *seen]
    if "OTTLA_REWRITE" in os.environ:
        path.write_text("\n".join(out) + "\n")
