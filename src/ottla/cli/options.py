"""Options that many commands share, and what their values become."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ottla.cli.problems import USAGE, Problem

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("table", "wide", "json", "jsonl", "yaml", "name")
DATA = ("table", "wide", "json", "jsonl", "yaml")
"""Formats of what has no names to list."""


def output_option(*formats: str) -> Callable[[F], F]:
    """`-o`: how results are printed. JSON keeps its field names between releases."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats or FORMATS),
        default="table",
        show_default=True,
        help="How to print the result.",
    )


def log_level_option(*, default: str) -> Callable[[F], F]:
    return click.option(
        "--log-level",
        type=click.Choice(LEVELS, case_sensitive=False),
        default=default,
        envvar="OTTLA_LOG_LEVEL",
        show_default=True,
        show_envvar=True,
        help="How much to log, on stderr.",
    )


def yes_option(command: F) -> F:
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before destroying. Without a terminal to ask at, `-y` is required. Raises Problem or Abort."""
    if yes:
        return
    if not os.isatty(0):
        raise Problem(f"{question} Nobody is there to ask.", "repeat the command with -y.", USAGE)
    click.confirm(question, abort=True, err=True)


def key_values(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """`("a=b", ...)` as a dict. Raises UsageError for a pair without `=`."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} {pair!r} is not KEY=VALUE")
        found[key.strip()] = value.strip()
    return found


def read_text(path: str) -> str:
    """A small text file. Raises Problem when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Problem(
            f"cannot read {path}: {reason}", "check the path and its permissions.", USAGE
        ) from error
