"""`ottla group`: consumer groups of both protocols, and what they have committed."""

from __future__ import annotations

import click

from ottla.cli.group.kinds import CONSUMERS
from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "list": Lazy("ottla.cli.group.listing", "list_groups", "List groups of every kind."),
    "describe": Lazy("ottla.cli.group.describe", "describe", "Describe groups: members, offsets, lag."),
    "lag": Lazy("ottla.cli.group.lag", "lag", "How far groups are behind."),
    "seek": Lazy("ottla.cli.group.seek", "seek", "Move what a group has committed, with a plan and an undo."),
    "delete": Lazy("ottla.cli.group.delete", "delete", "Delete groups and what they have committed."),
    "offsets-delete": Lazy(
        "ottla.cli.group.offsets_delete", "offsets_delete", "Forget what a group has committed for topics."
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.pass_context
def group(context: click.Context) -> None:
    """Look at groups, their lag and offsets; move and delete them."""
    context.obj = CONSUMERS
