"""What a command says when it cannot go on: one sentence, one hint, one exit code.

Exit codes: 0 done, 1 failed, 2 the command line was wrong, 3 not found, 4 not authorised, 5 timed out.
"""

from __future__ import annotations

import click

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_AUTHORISED = 4
TIMED_OUT = 5


class Problem(click.ClickException):
    """An error with a way out: `hint` says what to check or type next."""

    def __init__(self, message: str, hint: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = exit_code


def report(message: str, hint: str) -> None:
    """Write an error and its hint to stderr; coloured on a terminal only."""
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)
    click.echo(click.style("hint: ", fg="cyan") + hint, err=True)


def note(message: str) -> None:
    """A message beside the data: to stderr."""
    click.echo(message, err=True)
