"""`ottla share-group`: groups whose members share partitions record by record (KIP-932)."""

from __future__ import annotations

import click

from ottla.cli.group.kinds import SHARE
from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "list": Lazy("ottla.cli.group.listing", "list_of_kind", "List the groups of this kind."),
    "describe": Lazy(
        "ottla.cli.share_group.describe", "describe", "Describe share groups: members, starts, lag."
    ),
    "seek": Lazy("ottla.cli.group.seek", "seek", "Move where a group begins, with a plan and an undo."),
    "delete": Lazy("ottla.cli.group.delete", "delete", "Delete groups."),
    "offsets-delete": Lazy("ottla.cli.group.offsets_delete", "offsets_delete", "Let a group forget topics."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.pass_context
def share_group(context: click.Context) -> None:
    """Look at share groups and their starts; move and delete them."""
    context.obj = SHARE
