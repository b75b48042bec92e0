"""`ottla topic create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.explaining import refused
from ottla.cli.options import key_values, output_option
from ottla.cli.output import DATA_FORMS, print_rows
from ottla.cli.problems import note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.topics import CreatedTopic
    from ottla.client.cluster import Cluster


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "-p", "--partitions", type=click.IntRange(1), help="How many [default: the broker's num.partitions]."
)
@click.option(
    "-r", "--replication-factor", type=click.IntRange(1), help="Replicas of each [default: the broker's]."
)
@click.option("--config", "configs", multiple=True, metavar="KEY=VALUE", help="A topic config; repeatable.")
@click.option(
    "--replica-assignment", metavar="B:B,B:B", help="Brokers of each partition, e.g. 1:2,2:3 for two."
)
@click.option("--if-not-exists", is_flag=True, help="A topic that is there already is no error.")
@click.option("--dry-run", is_flag=True, help="Only check that it could be created.")
@output_option()
@target_options
def create(
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[str, ...],
    replica_assignment: str | None,
    if_not_exists: bool,
    dry_run: bool,
    output: str,
    target: Target,
) -> int:
    """Create topics.

    \b
    ottla topic create orders -p 3
    ottla topic create state --config cleanup.policy=compact
    """
    from ottla.client.admin.topics import DEFAULT, NewTopic, Topics

    if replica_assignment and (partitions or replication_factor):
        raise click.UsageError("--replica-assignment says it all: leave -p and -r out")
    assignments = parse_assignment(replica_assignment) if replica_assignment else {}
    wanted = [
        NewTopic(
            name,
            partitions or DEFAULT,
            replication_factor or DEFAULT,
            key_values(configs, "--config"),
            assignments,
        )
        for name in names
    ]

    async def work(cluster: Cluster) -> list[CreatedTopic]:
        return await Topics(cluster).create_topics(wanted, validate_only=dry_run)

    created = ask(target, work)
    return report_created(created, output, if_not_exists=if_not_exists, dry_run=dry_run)


def report_created(created: list[CreatedTopic], output: str, *, if_not_exists: bool, dry_run: bool) -> int:
    """Print what was created; say what was not. Returns the exit code."""
    from ottla.core.model.errors import ErrorCode
    from ottla.core.model.ids import ZERO_UUID, uuid_text

    rows: list[dict[str, Any]] = []
    code = 0
    for each in created:
        if each.error is not None:
            if if_not_exists and each.error.code == ErrorCode.TOPIC_ALREADY_EXISTS:
                note(f"topic {each.name} is there already")
                continue
            code = refused(f"topic {each.name}", each.error)
            continue
        rows.append(
            {
                "name": each.name,
                "partitions": each.partitions if each.partitions >= 0 else None,
                "replicas": each.replication_factor if each.replication_factor >= 0 else None,
                "id": None if each.id == ZERO_UUID else uuid_text(each.id),
            }
        )
    if dry_run and rows:
        note("nothing was created: --dry-run")
    if rows or output in DATA_FORMS:
        print_rows(rows, output, columns=("name", "partitions", "replicas"), wide=("id",))
    return code


def parse_assignment(text: str) -> dict[int, list[int]]:
    """`"1:2,2:3"`: partition 0 on brokers 1 and 2, partition 1 on 2 and 3. Raises UsageError."""
    try:
        return {
            index: [int(broker) for broker in brokers.split(":")]
            for index, brokers in enumerate(text.split(","))
        }
    except ValueError:
        raise click.UsageError(f"--replica-assignment {text!r} is not like 1:2,2:3") from None
