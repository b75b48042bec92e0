"""`ottla txn list` and `ottla txn describe`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.explaining import refused
from ottla.cli.options import output_option
from ottla.cli.output import print_rows
from ottla.cli.problems import FAILED, report
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.transactions import TransactionDescription, TransactionListing
    from ottla.client.cluster import Cluster
    from ottla.client.errors import ClientError
    from ottla.core.model.errors import KafkaError

STATES = (
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "PrepareEpochFence",
)


@click.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES, case_sensitive=False),
    help="Only in this state; repeatable.",
)
@click.option(
    "--producer-id", "producer_ids", multiple=True, type=int, help="Only of this producer; repeatable."
)
@click.option("--longer-than", "longer", type=click.IntRange(0), metavar="MS", help="Only open for longer.")
@click.option("--pattern", metavar="RE2", help="Only ids that match as a whole.")
@output_option()
@target_options
def list_transactions(
    states: tuple[str, ...],
    producer_ids: tuple[int, ...],
    longer: int | None,
    pattern: str | None,
    output: str,
    target: Target,
) -> int:
    """List transactional ids and their states."""
    from ottla.client.admin.transactions import Transactions

    async def work(
        cluster: Cluster,
    ) -> tuple[list[TransactionListing], dict[int, KafkaError | ClientError]]:
        return await Transactions(cluster).list_transactions(
            states=states,
            producer_ids=producer_ids,
            running_longer_than_ms=-1 if longer is None else longer,
            pattern=pattern,
        )

    found, silent = ask(target, work)
    rows = [
        {
            "transactional_id": each.transactional_id,
            "state": each.state,
            "producer_id": each.producer_id,
            "coordinator": each.coordinator,
        }
        for each in found
    ]
    print_rows(rows, output, columns=("transactional_id", "state", "producer_id", "coordinator"))
    for node, error in silent.items():
        report(f"broker {node} gave no answer: {error}", "its transactional ids are missing in the list.")
    return FAILED if silent else 0


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="TRANSACTIONAL_ID...")
@output_option()
@target_options
def describe(ids: tuple[str, ...], output: str, target: Target) -> int:
    """Describe transactional ids and what is open."""
    from ottla.client.admin.transactions import TransactionDescription, Transactions

    async def work(cluster: Cluster) -> dict[str, TransactionDescription | KafkaError]:
        return await Transactions(cluster).describe_transactions(ids)

    found = ask(target, work)
    now = time.time_ns() // 1_000_000
    rows = [described(each, now) for each in found.values() if isinstance(each, TransactionDescription)]
    columns = (
        "transactional_id",
        "state",
        "producer_id",
        "producer_epoch",
        "open_ms",
        "timeout_ms",
        "partitions",
    )
    print_rows(rows, output, columns=columns, wide=("coordinator", "start_timestamp"))
    refusals = {name: each for name, each in found.items() if not isinstance(each, TransactionDescription)}
    return max([refused(f"transactional id {name}", each) for name, each in refusals.items()], default=0)


def described(each: TransactionDescription, now: int) -> dict[str, Any]:
    is_open = each.start_timestamp >= 0
    return {
        "transactional_id": each.transactional_id,
        "state": each.state,
        "producer_id": each.producer_id,
        "producer_epoch": each.producer_epoch,
        "open_ms": max(0, now - each.start_timestamp) if is_open else None,
        "timeout_ms": each.timeout_ms,
        "partitions": [f"{topic}:{part}" for topic, part in each.partitions],
        "coordinator": each.coordinator,
        "start_timestamp": each.start_timestamp if is_open else None,
    }
