"""`ottla group delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.group.missing import hints_for, report_refused
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import confirm, yes_option
from ottla.cli.problems import note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.kinds import Kind
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="GROUP...", shell_complete=GROUP_NAMES)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@yes_option
@target_options
@click.pass_obj
def delete(kind: Kind, names: tuple[str, ...], dry_run: bool, yes: bool, target: Target) -> int:
    """Delete groups and what they have committed. A group must have no members."""
    from ottla.client.admin.groups import Groups
    from ottla.core.model.errors import ErrorCode, KafkaError

    if not dry_run:
        confirm(f"Delete {', '.join(names)} with all committed offsets?", yes=yes)

    async def work(cluster: Cluster) -> tuple[dict[str, KafkaError | None], dict[str, str]]:
        if dry_run:
            found = await kind.members(cluster, names)
            answers = {
                name: each
                if isinstance(each, KafkaError)
                else KafkaError(ErrorCode.NON_EMPTY_GROUP)
                if each
                else None
                for name, each in found.items()
            }
        else:
            answers = await Groups(cluster).delete_groups(names)
        refusals = {name: each for name, each in answers.items() if each is not None}
        return answers, await hints_for(cluster, refusals)

    answers, hints = ask(target, work)
    for name, error in answers.items():
        if error is None:
            note(f"group {name} would be deleted" if dry_run else f"deleted group {name}")
    return report_refused({name: each for name, each in answers.items() if each is not None}, hints)
