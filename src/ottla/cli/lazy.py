"""Command groups that import a command's module only when it is called.

A group knows its commands by name, module and one line of summary, so `--help` imports nothing of the broker or the
client. Groups also own how errors end: a sentence, a hint and the exit code of `ottla.cli.problems`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

import click

from ottla.cli.problems import USAGE, Problem, report

INTERRUPTED = 130


class Lazy(NamedTuple):
    """Where a command lives, and what the list of commands says about it."""

    module: str
    attribute: str
    summary: str


def completed_by(name: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """A completer of `ottla.cli.completion`, imported when somebody presses Tab."""

    def complete(context: click.Context, param: click.Parameter, start: str) -> list[Any]:
        found: list[Any] = getattr(importlib.import_module("ottla.cli.completion"), name)(
            context, param, start
        )
        return found

    return complete


TOPIC_NAMES = completed_by("topic_names")
GROUP_NAMES = completed_by("group_names")


class NounGroup(click.Group):
    """A group that knows which command was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        known = self.list_commands(ctx)
        if name and not name.startswith("-") and name not in known:
            raise unknown_command(ctx, name, known)
        return super().resolve_command(ctx, args)


class LazyGroup(NounGroup):
    """A group whose commands are `Lazy` entries, listed in the order they were declared."""

    def __init__(self, *args: Any, lazy: dict[str, Lazy] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            leave_closed_pipe()

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click's, but errors end as `ending_well` says."""
        standalone = kwargs.pop("standalone_mode", True)
        kwargs.setdefault("prog_name", "ottla")

        run_command: Callable[..., Any] = super().main

        def call() -> Any:
            return run_command(*args, standalone_mode=False, **kwargs)

        return ending_well(call) if standalone else call()


def unknown_command(ctx: click.Context, name: str, known: list[str]) -> click.UsageError:
    """A usage error that names the command that was probably meant."""
    near = get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return click.UsageError(f"no such command {name!r}.{meant}", ctx)


def ending_well(call: Callable[[], Any]) -> NoReturn:
    """Run a command line to its exit code. Errors that nobody expected keep their traceback."""
    try:
        code = call()
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message())
        sys.exit(USAGE)
    except click.UsageError as error:
        report(error.format_message(), usage_hint(error))
        sys.exit(USAGE)
    except Problem as error:
        report(error.format_message(), error.hint)
        sys.exit(error.code)
    except click.ClickException as error:
        report(error.format_message(), "see `ottla --help`.")
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        leave_closed_pipe()
    sys.exit(code if isinstance(code, int) else 0)


def leave_closed_pipe() -> NoReturn:
    """The reader of our output has gone (`| head`): that is an end, not an error."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no real file (a test): there is nothing to flush into
        pass
    sys.exit(0)


def usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "ottla"
    return f"`{path} --help` shows what can be given."
