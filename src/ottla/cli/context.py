"""`ottla context`: clusters by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ottla.cli.contexts import (
    NAME,
    Contexts,
    contexts_file,
    contexts_in_file,
    no_context,
    write_contexts,
)
from ottla.cli.lazy import NounGroup
from ottla.cli.options import DATA, key_values, output_option
from ottla.cli.problems import NOT_FOUND, USAGE, Problem, note

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = ("password", "secret", "jaas", "token")
"""Words in a key whose value is not shown."""


@click.group(cls=NounGroup)
def context() -> None:
    """Give clusters names.

    `-c NAME` on any command means one; without it the one in use, where no -b or environment variable says another.
    """


@context.command()
@click.argument("name")
@click.option("-b", "--bootstrap-server", "bootstrap", metavar="HOST:PORT,...", help="Where the cluster is.")
@click.option("-X", "extra", multiple=True, metavar="KEY=VALUE", help="A client property; repeatable.")
@click.option("--command-config", "config_file", metavar="FILE", help="Client properties (key=value lines).")
@click.option("--use", "at_once", is_flag=True, help="Use it from now on.")
@click.option("--replace", is_flag=True, help="Put it in place of one that is there.")
def add(
    name: str,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
    at_once: bool,
    replace: bool,
) -> None:
    """Give a cluster a name.

    \b
    ottla context add dev -b localhost:9092 --use
    ottla context add prod -b k1:9092,k2:9092 -X client.id=ops
    """
    from ottla.cli.target import SERVERS, file_properties
    from ottla.client.properties import settings_from
    from ottla.client.settings import AdminSettings, SettingRefused

    if not NAME.fullmatch(name):
        raise click.UsageError(f"{name!r}: names are 1 to 64 letters, digits, '.', '_' and '-'")
    properties = file_properties(config_file) if config_file else {}
    properties |= key_values(extra, "-X")
    if bootstrap:
        properties[SERVERS] = bootstrap
    if SERVERS not in properties:
        raise click.UsageError("say where the cluster is with -b HOST:PORT")
    try:
        settings_from(AdminSettings, properties)
    except SettingRefused as error:
        raise Problem(str(error), error.hint, USAGE) from error
    path = contexts_file(os.environ)
    known = contexts_in_file(path)
    if name in known.known and not replace:
        raise Problem(f"there is a context {name} already", "add --replace to put this in its place.", USAGE)
    current = name if at_once or not known.known else known.current
    write_contexts(path, Contexts(current, known.known | {name: properties}))
    note(f"added context {name}{', in use now' if current == name else ''}")


@context.command()
@click.argument("name")
def use(name: str) -> None:
    """Use a cluster from now on, where nothing else is said."""
    path = contexts_file(os.environ)
    known = contexts_in_file(path)
    if name not in known.known:
        raise no_context(known, name)
    write_contexts(path, known._replace(current=name))
    note(f"{name} is in use: {known.known[name].get('bootstrap.servers', '')}")
    if os.environ.get("OTTLA_CONTEXT"):
        note(f"but OTTLA_CONTEXT={os.environ['OTTLA_CONTEXT']} is set, and comes first")


@context.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a name. The cluster is not touched."""
    path = contexts_file(os.environ)
    known = contexts_in_file(path)
    if name not in known.known:
        raise no_context(known, name)
    rest = {each: properties for each, properties in known.known.items() if each != name}
    write_contexts(path, Contexts(None if known.current == name else known.current, rest))
    note(f"removed context {name}")


@context.command()
@click.argument("name", required=False, metavar="[NAME]")
@output_option(*DATA)
def show(name: str | None, output: str) -> None:
    """Show what is kept under a name, or under the one in use."""
    from ottla.cli.output import DATA_FORMS, print_data, print_facts

    known = contexts_in_file(contexts_file(os.environ))
    chosen = name or os.environ.get("OTTLA_CONTEXT") or known.current
    if chosen is None:
        raise Problem("no context is in use", "`ottla context use NAME` chooses one.", NOT_FOUND)
    if chosen not in known.known:
        raise no_context(known, chosen)
    properties = shown(known.known[chosen])
    if output in DATA_FORMS:
        print_data([{"name": chosen, "properties": properties}], output)
    else:
        print_facts({"name": chosen, **properties})


@context.command("list")
@output_option()
def list_contexts(output: str) -> None:
    """List the names, and which is in use."""
    from ottla.cli.output import print_rows

    known = contexts_in_file(contexts_file(os.environ))
    current = os.environ.get("OTTLA_CONTEXT") or known.current
    rows = [
        {
            "name": name,
            "in_use": name == current,
            "bootstrap_servers": properties.get("bootstrap.servers"),
            "properties": [f"{key}={value}" for key, value in shown(properties).items()],
        }
        for name, properties in sorted(known.known.items())
    ]
    print_rows(rows, output, columns=("name", "in_use", "bootstrap_servers"), wide=("properties",))


def shown(properties: Mapping[str, str]) -> dict[str, str]:
    """Properties as they may be seen over a shoulder."""
    return {
        key: "(hidden)" if any(word in key.lower() for word in HIDDEN) else value
        for key, value in properties.items()
    }
