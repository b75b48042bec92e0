"""`ottla broker`: who is in the cluster, and what lies where."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "list": Lazy("ottla.cli.broker.describe", "list_brokers", "List brokers."),
    "describe": Lazy(
        "ottla.cli.broker.describe", "describe", "Describe brokers: replicas, directories, configs."
    ),
    "logdirs": Lazy("ottla.cli.broker.logdirs", "logdirs", "Log directories, and how much lies in them."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def broker() -> None:
    """Look at brokers and their log directories."""
