"""`ottla topic`: what there is to do with topics. Each command is imported when it is called."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "create": Lazy("ottla.cli.topic.create", "create", "Create topics."),
    "list": Lazy("ottla.cli.topic.describe", "list_topics", "List topics."),
    "describe": Lazy(
        "ottla.cli.topic.describe", "describe", "Describe topics: partitions, offsets and configs."
    ),
    "alter": Lazy("ottla.cli.topic.alter", "alter", "Change configs of topics."),
    "add-partitions": Lazy("ottla.cli.topic.alter", "add_partitions", "Give topics more partitions."),
    "trim": Lazy("ottla.cli.topic.trim", "trim", "Delete the oldest records."),
    "analyze": Lazy("ottla.cli.topic.analyze", "analyze", "Read topics, and tell what is in them."),
    "delete": Lazy("ottla.cli.topic.delete", "delete", "Delete topics and all their records."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def topic() -> None:
    """Create, look at, change and delete topics."""
