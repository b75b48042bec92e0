"""The reference of the command line, written from the commands themselves.

python -m ottla.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from ottla.cli.main import main

OPENING = """\
# The command line

Written from the commands themselves by `python -m ottla.cli.reference`; `ottla COMMAND --help` says the same.

**Where the cluster is.** Commands that talk to one find it by `-b HOST:PORT,...`; without it by `bootstrap.servers` in
`-X` or `--command-config`, by `OTTLA_BOOTSTRAP_SERVERS` or `KAFKA_BOOTSTRAP_SERVERS`, and else at `localhost:9092`.
`-X key=value` sets any client property by Kafka's name, `--command-config FILE` reads them from a file. A property that
would secure the connection and is not built yet (`sasl.*`, `ssl.*`, `security.protocol`) is refused, never ignored.

**What is printed where.** Data go to stdout, everything else to stderr, so pipes stay clean. `-o table` is for people,
`wide` has more columns, `name` is one name a line; `json` (an array) and `jsonl` (an object a line) keep their field names
between releases. Colours appear on a terminal only, and not when `NO_COLOR` is set.

**How a command ends.** Every error is one line that says what happened and one that says what to do.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the command line or a setting is wrong |
| 3 | not found |
| 4 | not authorised |
| 5 | timed out |
| 130 | interrupted (a `consume` that is interrupted has done its work: 0) |

**Before something is destroyed** a terminal is asked; without one, `-y` is required.
"""


def reference() -> str:
    """The whole page, as Markdown."""
    sections = [OPENING]
    sections += [section(context) for context in leaves(click.Context(main, info_name="ottla"))]
    return "\n".join(sections)


def leaves(context: click.Context) -> Iterator[click.Context]:
    """The contexts of all commands that do something, in the order of `--help`."""
    command = context.command
    if not isinstance(command, click.Group):
        yield context
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from leaves(click.Context(child, parent=context, info_name=name))


def section(context: click.Context) -> str:
    """One command: usage, words, options."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {context.command_path}\n", f"```\n{usage}\n```\n", words(command.help or "")]
    options = [param for param in command.params if isinstance(param, click.Option)]
    if options:
        parts.append("| option | |\n|---|---|\n" + "".join(row(option) for option in options))
    return "\n".join(parts)


def words(text: str) -> str:
    """Help as Markdown: a block that click must not wrap is a block of code."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    blocks = (
        f"```\n{paragraph[2:].strip(chr(10))}\n```" if paragraph.startswith("\b") else paragraph
        for paragraph in paragraphs
    )
    return "\n\n".join(blocks) + "\n"


def row(option: click.Option) -> str:
    """One option as a row of a table."""
    value = "" if option.is_flag else f" {metavar(option)}"
    names = ", ".join(f"`{name}`" for name in option.opts[:-1])
    last = f"`{option.opts[-1]}{value}`"
    help_text = " ".join((option.help or "").split()).replace("|", "\\|")
    notes = []
    if option.show_default and option.default not in (None, ""):
        notes.append(f"default: `{option.default}`")
    if option.envvar:
        notes.append(f"environment: `{option.envvar}`")
    if option.required:
        notes.append("required")
    extra = f" ({'; '.join(notes)})" if notes else ""
    return f"| {names + ', ' if names else ''}{last} | {help_text}{extra} |\n"


def metavar(option: click.Option) -> str:
    if option.metavar:
        return option.metavar.replace("|", "\\|")
    if isinstance(option.type, click.Choice):
        return "\\|".join(map(str, option.type.choices))
    return option.type.name.upper().replace(" ", "_").replace("INTEGER_RANGE", "N")


if __name__ == "__main__":
    click.echo(reference(), nl=False)
