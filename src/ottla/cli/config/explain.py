"""`ottla config explain`: from the table of settings without a cluster, or beside what a cluster has now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.config.get import config_row, entries_of, for_people
from ottla.cli.config.resource import KINDS, resource_of
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts
from ottla.cli.problems import NOT_FOUND, Problem
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigEntry
    from ottla.core.model.settings.setting import Setting

WHEN = {
    "read-only": "in the file alone: needs a restart",
    "per-broker": "while running, for each broker",
    "cluster-wide": "while running, for one broker or all",
}
HERE = {
    "works": "works",
    "unused": "accepted, there is nothing to tune",
    "later": "accepted; the part it belongs to is not built yet",
    "refused": "refused, unless it has its default",
}


@click.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option(
    "--for", "whose", metavar="KIND:NAME", help="Ask the cluster as well: what this topic, broker, ... has."
)
@output_option(*DATA)
@target_options
def explain(keys: tuple[str, ...], whose: str | None, output: str, target: Target) -> None:
    """What a config means, its default, and what it may be. Without --for it asks no cluster.

    \b
    ottla config explain retention.ms
    ottla config explain retention.ms --for topic:orders
    ottla config explain listener.name.internal.ssl.keystore.location
    """
    rows = [row for key in keys for row in rows_of(key)] if whose is None else rows_for(whose, keys, target)
    if output in DATA_FORMS:
        print_data(rows, output)
        return
    for number, row in enumerate(rows):
        if number:
            click.echo()
        told = for_people(row) if "synonyms" in row else row
        print_facts({name.replace("_", " "): value for name, value in told.items() if value is not None})


def rows_for(whose: str, keys: tuple[str, ...], target: Target) -> list[dict[str, Any]]:
    """Each key as this thing has it now. Raises UsageError, Problem."""
    kind, colon, name = whose.partition(":")
    if not colon or kind not in KINDS:
        raise click.UsageError(f"--for {whose!r} is not KIND:NAME; KIND is one of {', '.join(KINDS)}")
    resource = resource_of(kind, name)
    entries = ask(target, lambda cluster: entries_of(cluster, resource, keys, documentation=True))
    found = {each.name: each for each in entries}
    return [row_with(key, kind, found.get(key)) for key in keys]


def row_with(key: str, kind: str, entry: ConfigEntry | None) -> dict[str, Any]:
    """A key of one kind of thing, with what the cluster says of it. Raises Problem when neither of us knows it."""
    try:
        known = next((row for row in rows_of(key) if row["of"] == kind), None)
    except Problem:
        if entry is None:
            raise
        known = None
    if entry is None:
        if known is None:
            raise Problem(f"no {kind} has a config {key!r}", f"see `ottla config explain {key}`.", NOT_FOUND)
        return known
    words = known or {"name": key, "of": kind, "meaning": entry.documentation, "type": entry.type}
    return words | {name: each for name, each in config_row(entry).items() if name not in ("name", "type")}


def rows_of(key: str) -> list[dict[str, Any]]:
    """The key as each kind of thing has it. Raises Problem for one that nobody knows."""
    from ottla.core.model.settings.synonyms import TOPIC_TO_BROKER, group_to_broker
    from ottla.core.model.settings.table import (
        BROKER,
        CLIENT_METRICS,
        GROUP,
        REPLACED,
        TOPIC,
        broker_setting,
        nearest,
    )

    rows = []
    for kind, found, above in (
        ("topic", TOPIC.get(key), TOPIC_TO_BROKER.get(key)),
        ("broker", broker_setting(key), None),
        ("group", GROUP.get(key), group_to_broker(key) if key in GROUP else None),
        ("client-metrics", CLIENT_METRICS.get(key), None),
    ):
        if found is not None:
            rows.append(setting_row(key, kind, found, above))
    if rows:
        return rows
    if key in REPLACED:
        raise Problem(f"{key} is of an older Kafka", f"{REPLACED[key]}.", NOT_FOUND)
    near = nearest(key, TOPIC | BROKER | GROUP | CLIENT_METRICS)
    hint = f"did you mean {near}?" if near else "docs/reference/settings.md lists all."
    raise Problem(f"there is no config {key!r}", hint, NOT_FOUND)


def setting_row(key: str, kind: str, setting: Setting, above: str | None) -> dict[str, Any]:
    return {
        "name": key,
        "of": kind,
        "meaning": setting.doc,
        "type": setting.kind.name.lower(),
        "default": "must be set" if setting.required else setting.default_text,
        "allowed": None if setting.valid is None else setting.valid.text,
        "importance": setting.importance.value,
        "without_it": f"the broker's {above}" if above else None,
        "changes": WHEN[setting.dynamic.value] if kind == "broker" else None,
        "here": HERE[setting.effect.value],
    }
