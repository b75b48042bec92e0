"""`ottla topic trim`: delete the oldest records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.choosing import named_partitions, parse_topics
from ottla.cli.explaining import refused
from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.options import DATA, confirm, output_option, yes_option
from ottla.cli.output import print_rows
from ottla.cli.problems import USAGE, Problem, note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.offset_grammar import Point
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[:P,P]...", shell_complete=TOPIC_NAMES)
@click.option("--before", "point", required=True, metavar="POINT", help="end, N, +N, -N, @TIME or @-24h.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@yes_option
@output_option(*DATA)
@target_options
def trim(names: tuple[str, ...], point: str, dry_run: bool, yes: bool, output: str, target: Target) -> int:
    """Delete all records before a point, for good.

    Shows the plan first, and asks. An offset that a partition does not have yet is refused.

    \b
    ottla topic trim orders --before end
    ottla topic trim orders:0,1 --before 4200 --dry-run
    ottla topic trim orders --before @-24h -y
    """
    wanted = parse_topics(names)
    from ottla.cli.reading_range import point_option

    where = point_option(point, "--before")
    moves = ask(target, lambda cluster: plan(cluster, wanted, where))
    rows = [
        {"topic": topic, "partition": part, "start": start, "new_start": after, "records": after - start}
        for (topic, part), (start, after) in moves.items()
    ]
    print_rows(rows, output, columns=("topic", "partition", "start", "new_start", "records"))
    going = {key: after for key, (start, after) in moves.items() if after > start}
    if dry_run or not going:
        note("nothing was deleted: --dry-run" if dry_run else "there is nothing before that")
        return 0
    records = sum(after - start for start, after in moves.values())
    confirm(f"Delete up to {records} records of {len(going)} partitions?", yes=yes)

    async def work(cluster: Cluster) -> dict[TopicPartition, int | KafkaError]:
        from ottla.client.admin.topics import Topics

        return await Topics(cluster).delete_records(going)

    code = 0
    for (topic, part), told in ask(target, work).items():
        if isinstance(told, int):
            note(f"{topic}:{part} begins at {told}")
        else:
            code = refused(f"{topic}:{part}", told)
    return code


async def plan(
    cluster: Cluster, wanted: dict[str, frozenset[int] | None], point: Point
) -> dict[TopicPartition, tuple[int, int]]:
    """Where each log begins, and where it would begin. Raises KafkaError, Problem."""
    from ottla.cli.offset_grammar import AtOffset
    from ottla.cli.reading_range import resolve
    from ottla.client.offsets import end_offsets, start_offsets

    partitions = await named_partitions(cluster, wanted)
    starts, ends = await start_offsets(cluster, partitions), await end_offsets(cluster, partitions)
    if isinstance(point, AtOffset):
        refuse_beyond(point.offset, ends)
    goals: dict[Any, int] = await resolve(cluster, point, starts, ends)
    return {key: (starts[key], max(starts[key], min(goals[key], ends[key]))) for key in partitions}


def refuse_beyond(offset: int, ends: dict[TopicPartition, int]) -> None:
    """An offset with a digit too many would delete everything. Raises Problem."""
    short = [f"{topic}:{part} ends at {end}" for (topic, part), end in ends.items() if end < offset]
    if short:
        more = f", and {len(short) - 3} more" if len(short) > 3 else ""
        raise Problem(
            f"there is no offset {offset} yet: {', '.join(short[:3])}{more}",
            "name the partitions that have it (NAME:0,3); --before end deletes all that is there.",
            USAGE,
        )
