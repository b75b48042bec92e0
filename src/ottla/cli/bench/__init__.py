"""`ottla bench`: how fast a cluster is from here, through our own clients."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "produce": Lazy("ottla.cli.bench.produce", "produce", "Write records as fast as it goes, or at a rate."),
    "consume": Lazy("ottla.cli.bench.consume", "consume", "Read a topic as fast as it goes."),
    "e2e": Lazy("ottla.cli.bench.e2e", "e2e", "How long a record takes from the producer to the consumer."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def bench() -> None:
    """Measure how fast a cluster is from here."""
