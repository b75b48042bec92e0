"""`ottla storage`: format and inspect data directories, with the flags of kafka-storage."""

from __future__ import annotations

import click


@click.group()
def storage() -> None:
    """Format and inspect data directories."""


@storage.command("random-uuid")
def random_uuid() -> None:
    """Print a random UUID in Kafka's form, for `format -t`."""
    from secrets import token_bytes

    from ottla.core.model.ids import uuid_text

    text = uuid_text(token_bytes(16))
    while text.startswith("-"):  # it would look like an option on the next command line
        text = uuid_text(token_bytes(16))
    click.echo(text)
