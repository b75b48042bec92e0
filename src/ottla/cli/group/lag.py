"""`ottla group lag`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.group.missing import hints_for, report_refused
from ottla.cli.group.progress import progress_of, summed
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import output_option
from ottla.cli.output import print_rows
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.progress import Progress
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

CONSUMERS = ("classic", "consumer")


@click.command()
@click.argument("names", nargs=-1, metavar="[GROUP...]", shell_complete=GROUP_NAMES)
@click.option(
    "--by",
    type=click.Choice(("partition", "topic", "group")),
    default="partition",
    show_default=True,
    help="A row for each of these.",
)
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="Only these topics; repeatable.")
@output_option()
@target_options
def lag(names: tuple[str, ...], by: str, topics: tuple[str, ...], output: str, target: Target) -> int:
    """How far groups are behind: the named ones, or all groups of consumers.

    Where nothing is committed, or what was committed is gone from the log, everything in the log counts as lag.
    """
    found, errors, hints = ask(target, lambda cluster: lag_of(cluster, names))
    chosen = [each for each in found if not topics or each.topic in topics]
    if by == "partition":
        rows: list[dict[str, Any]] = [each.row() for each in chosen]
        columns: tuple[str, ...] = ("group", "topic", "partition", "committed", "end", "lag")
        wide: tuple[str, ...] = ("start", "client", "member", "host")
    else:
        rows = summed(chosen, by)
        columns = ("group", "topic", "lag") if by == "topic" else ("group", "lag")
        wide = ("partitions", "unknown")
    print_rows(rows, output, columns=columns, wide=wide)
    return report_refused(errors, hints)


async def lag_of(
    cluster: Cluster, names: tuple[str, ...]
) -> tuple[list[Progress], dict[str, KafkaError], dict[str, str]]:
    from ottla.client.admin.groups import Groups
    from ottla.core.model.errors import KafkaError

    admin = Groups(cluster)
    if not names:
        listed, silent = await admin.list_groups()
        if silent:
            raise next(iter(silent.values()))
        names = tuple(each.group_id for each in listed if each.type in CONSUMERS)
    found = await admin.describe_groups(names) if names else {}
    groups = {name: each for name, each in found.items() if not isinstance(each, KafkaError)}
    errors = {name: each for name, each in found.items() if isinstance(each, KafkaError)}
    progress = await progress_of(cluster, groups) if groups else {}
    rows = [row for name in sorted(progress) for row in progress[name]]
    return rows, errors, await hints_for(cluster, errors)
