"""`ottla config`: settings of topics, brokers, groups and client metrics."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "get": Lazy("ottla.cli.config.get", "get", "Show configs, and where their values come from."),
    "set": Lazy("ottla.cli.config.set", "set_configs", "Set or unset configs, one by one."),
    "edit": Lazy("ottla.cli.config.edit", "edit", "Edit configs in your editor, and apply what changed."),
    "explain": Lazy("ottla.cli.config.explain", "explain", "What a config means, and what it may be."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def config() -> None:
    """Show, set, edit and explain configs.

    KIND is topic, broker, group or client-metrics. For a broker, NAME is its id, or `all` for every broker.
    """
