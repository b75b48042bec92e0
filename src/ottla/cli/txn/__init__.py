"""`ottla txn`: transactions and those who make them."""

from __future__ import annotations

import click

from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "list": Lazy("ottla.cli.txn.listing", "list_transactions", "List transactional ids and their states."),
    "describe": Lazy("ottla.cli.txn.listing", "describe", "Describe transactional ids and what is open."),
    "find-hanging": Lazy("ottla.cli.txn.hanging", "find_hanging", "Find transactions nobody will end."),
    "abort": Lazy("ottla.cli.txn.hanging", "abort", "Abort a transaction that hangs in a partition."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def txn() -> None:
    """Look at transactions, find hanging ones and abort them."""
