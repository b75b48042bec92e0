"""`ottla metadata`: the quorum that keeps the cluster's metadata, and what is in them."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "quorum": Lazy(
        "ottla.cli.metadata.quorum", "quorum", "Who leads, votes and lags in the metadata quorum."
    ),
    "dump": Lazy("ottla.cli.metadata.dump", "dump", "Print the metadata that lie in a data directory."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def metadata() -> None:
    """Look at the metadata quorum and at what it keeps."""
