"""`ottla group list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.options import output_option
from ottla.cli.output import print_rows
from ottla.cli.problems import FAILED, report
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.kinds import Kind
    from ottla.client.admin.groups import GroupListing
    from ottla.client.cluster import Cluster
    from ottla.client.errors import ClientError
    from ottla.core.model.errors import KafkaError

TYPES = ("classic", "consumer", "share", "streams")
STATES = (
    "Assigning",
    "CompletingRebalance",
    "Dead",
    "Empty",
    "NotReady",
    "PreparingRebalance",
    "Reconciling",
    "Stable",
)


states_option = click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES, case_sensitive=False),
    help="Only groups in this state; repeatable.",
)


@click.command("list")
@click.option(
    "--type", "types", multiple=True, type=click.Choice(TYPES, case_sensitive=False), help="Only this kind."
)
@states_option
@output_option()
@target_options
def list_groups(types: tuple[str, ...], states: tuple[str, ...], output: str, target: Target) -> int:
    """List groups of every kind."""
    return print_groups(types, states, output, target)


@click.command("list")
@states_option
@output_option()
@target_options
@click.pass_obj
def list_of_kind(kind: Kind, states: tuple[str, ...], output: str, target: Target) -> int:
    """List the groups of this kind."""
    return print_groups(kind.types, states, output, target)


def print_groups(types: tuple[str, ...], states: tuple[str, ...], output: str, target: Target) -> int:
    from ottla.client.admin.groups import Groups

    async def work(
        cluster: Cluster,
    ) -> tuple[list[GroupListing], dict[int, KafkaError | ClientError]]:
        return await Groups(cluster).list_groups(states=states, types=types)

    found, silent = ask(target, work)
    rows = [
        {
            "group": each.group_id,
            "type": each.type or None,
            "state": each.state or None,
            "protocol_type": each.protocol_type or None,
        }
        for each in found
    ]
    print_rows(rows, output, columns=("group", "type", "state"), wide=("protocol_type",))
    for node, error in silent.items():
        report(f"broker {node} gave no answer: {error}", "its groups are missing in the list; try again.")
    return FAILED if silent else 0
