"""`ottla group offsets-delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.choosing import parse_topics, topics_option
from ottla.cli.explaining import refused
from ottla.cli.group.missing import missing_group
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import confirm, yes_option
from ottla.cli.problems import NOT_FOUND, Problem, note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.kinds import Kind
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError


@click.command("offsets-delete")
@click.argument("name", metavar="GROUP", shell_complete=GROUP_NAMES)
@topics_option("Topics, or some partitions of one; repeatable.", required=True)
@click.option("--dry-run", is_flag=True, help="Only say what would be forgotten.")
@yes_option
@target_options
@click.pass_obj
def offsets_delete(
    kind: Kind, name: str, topics: tuple[str, ...], dry_run: bool, yes: bool, target: Target
) -> int:
    """Forget what a group has committed for topics that nobody in it reads."""
    wanted = parse_topics(topics)
    if not dry_run:
        confirm(f"Forget what group {name} has committed for {', '.join(topics)}?", yes=yes)

    async def work(cluster: Cluster) -> dict[TopicPartition, KafkaError | None]:
        meant = await committed_ones(cluster, kind, name, wanted)
        if dry_run:
            return dict.fromkeys(meant)
        return await kind.forget(cluster, name, meant)

    code = 0
    for (topic, partition), error in ask(target, work).items():
        if error is None:
            note(f"{topic}:{partition} {'would be' if dry_run else 'is'} forgotten")
        else:
            code = refused(f"{topic}:{partition}", error)
    return code


async def committed_ones(
    cluster: Cluster, kind: Kind, name: str, wanted: dict[str, frozenset[int] | None]
) -> list[TopicPartition]:
    """Those of the partitions meant for which there is a commit. The topics need not exist any more. Raises Problem."""
    from ottla.core.model.errors import KafkaError

    if isinstance((await kind.members(cluster, [name]))[name], KafkaError):
        raise await missing_group(cluster, name)
    offsets = await kind.committed(cluster, name)
    found = [
        (topic, partition)
        for topic, partition in sorted(offsets)
        if topic in wanted and ((only := wanted[topic]) is None or partition in only)
    ]
    without = [topic for topic in wanted if topic not in {each for each, _ in found}]
    if without:
        raise Problem(
            f"group {name} has committed nothing for {', '.join(without)}",
            f"`ottla {kind.command} describe {name}` shows what it has committed.",
            NOT_FOUND,
        )
    return found
