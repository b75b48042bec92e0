"""`ottla streams-group`: groups of Kafka Streams applications (KIP-1071)."""

from __future__ import annotations

import click

from ottla.cli.group.kinds import STREAMS
from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "list": Lazy("ottla.cli.group.listing", "list_of_kind", "List the groups of this kind."),
    "describe": Lazy(
        "ottla.cli.streams_group.describe", "describe", "Describe streams groups: topology, tasks, offsets."
    ),
    "seek": Lazy("ottla.cli.group.seek", "seek", "Move what a group has committed, with a plan and an undo."),
    "delete": Lazy("ottla.cli.group.delete", "delete", "Delete groups and what they have committed."),
    "offsets-delete": Lazy("ottla.cli.group.offsets_delete", "offsets_delete", "Let a group forget topics."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.pass_context
def streams_group(context: click.Context) -> None:
    """Look at streams groups, their tasks and offsets; move and delete them."""
    context.obj = STREAMS
