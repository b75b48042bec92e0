"""`ottla kafka`: Kafka's own command-line tools, by their names, flags and output, without a JVM."""

from __future__ import annotations

import click

from ottla.cli.problems import NOT_FOUND, Problem


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": [],
    }
)
@click.argument("tool", required=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def kafka(tool: str | None, words: tuple[str, ...]) -> int:
    """Run one of Kafka's command-line tools, by its name, flags and output.

    `ottla scripts DIR` makes a script of each, under Kafka's names.

    \b
    ottla kafka kafka-topics --bootstrap-server localhost:9092 --list
    """
    from ottla.cli.kafka.tools import TOOLS, run_tool

    if tool is None or tool in ("-h", "--help"):
        click.echo(f"Tools: {', '.join(sorted(TOOLS))}")
        return 0
    name = tool.removesuffix(".sh")
    if name not in TOOLS:
        raise Problem(f"there is no tool {tool!r} here", f"there are {', '.join(sorted(TOOLS))}.", NOT_FOUND)
    return run_tool(name, list(words))
