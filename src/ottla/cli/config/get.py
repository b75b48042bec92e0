"""`ottla config get`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ottla.cli.config.resource import nearest_key, refusal, resource_arguments, resource_of
from ottla.cli.options import output_option
from ottla.cli.output import DATA_FORMS, print_rows
from ottla.cli.problems import NOT_FOUND, Problem
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigEntry, Resource
    from ottla.client.cluster import Cluster

HIDDEN: Final = "(sensitive)"
"""What stands for a value that brokers do not tell."""


@click.command()
@resource_arguments
@click.argument("keys", nargs=-1, metavar="[KEY...]")
@click.option("-a", "--all", "everything", is_flag=True, help="Defaults as well.")
@output_option()
@target_options
def get(kind: str, name: str, keys: tuple[str, ...], everything: bool, output: str, target: Target) -> None:
    """Show configs, and where their values come from.

    Without keys the table shows what differs from the default; -a and the data formats show all. -o wide adds
    where a value could come from, first come first served.

    \b
    ottla config get topic orders
    ottla config get topic orders retention.ms -o wide
    ottla config get broker 1 -a
    """
    resource = resource_of(kind, name)
    entries = ask(target, lambda cluster: entries_of(cluster, resource, keys))
    missing = [key for key in keys if key not in {each.name for each in entries}]
    if missing:
        raise unknown_keys(resource, missing)
    whole = everything or keys or output in DATA_FORMS
    rows = [config_row(each) for each in entries if whole or not each.is_default]
    print_rows(
        rows if output in DATA_FORMS else [for_people(row) for row in rows],
        output,
        columns=("name", "value", "source"),
        wide=("type", "read_only", "synonyms"),
    )


async def entries_of(
    cluster: Cluster, resource: Resource, keys: Sequence[str] = (), *, documentation: bool = False
) -> list[ConfigEntry]:
    """Configs by name. Raises Problem."""
    from ottla.client.admin.configs import Configs
    from ottla.core.model.errors import KafkaError

    asked = await Configs(cluster).describe_configs(
        [resource], names=keys or None, synonyms=True, documentation=documentation
    )
    found = asked[resource]
    if isinstance(found, KafkaError):
        raise await refusal(cluster, resource, found, keys)
    return sorted(found, key=lambda each: each.name)


def config_row(entry: ConfigEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "value": None if entry.sensitive else entry.value,
        "source": entry.source,
        "type": entry.type,
        "read_only": entry.read_only,
        "sensitive": entry.sensitive,
        "synonyms": [
            {"name": each.name, "value": None if entry.sensitive else each.value, "source": each.source}
            for each in entry.synonyms
        ],
    }


def for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `config_row` as tables show it."""
    sensitive = row["sensitive"]
    return row | {
        "value": HIDDEN if sensitive else row["value"],
        "synonyms": [
            f"{each['name']}={HIDDEN if sensitive else each['value']} ({each['source']})"
            for each in row["synonyms"]
        ],
    }


def unknown_keys(resource: Resource, keys: list[str]) -> Problem:
    near = nearest_key(resource, keys[0])
    hint = f"did you mean {near}?" if near else "`ottla config get ... -a` shows all there are."
    return Problem(f"{resource} has no config {', '.join(keys)}", hint, NOT_FOUND)
