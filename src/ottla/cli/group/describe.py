"""`ottla group describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.group.missing import hints_for, report_refused
from ottla.cli.group.progress import progress_of
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.progress import Progress
    from ottla.client.admin.groups import GroupDescription, MemberDescription
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="GROUP...", shell_complete=GROUP_NAMES)
@click.option("--members", "only_members", is_flag=True, help="Members only.")
@click.option("--offsets", "only_offsets", is_flag=True, help="Offsets and lag only.")
@output_option(*DATA)
@target_options
def describe(
    names: tuple[str, ...], only_members: bool, only_offsets: bool, output: str, target: Target
) -> int:
    """Describe groups: members, offsets, lag.

    -o wide adds hosts, instance ids, epochs and what members subscribe to.
    """
    described, errors, hints = ask(target, lambda cluster: described_groups(cluster, names))
    if output in DATA_FORMS:
        print_data(described, output)
    else:
        for number, each in enumerate(described):
            if number:
                click.echo()
            print_group(each, (only_members, only_offsets), wide=output == "wide")
    return report_refused(errors, hints)


async def described_groups(
    cluster: Cluster, names: tuple[str, ...]
) -> tuple[list[dict[str, Any]], dict[str, KafkaError], dict[str, str]]:
    """What is shown of each group; what was refused; hints for groups that are not there."""
    from ottla.client.admin.groups import Groups
    from ottla.core.model.errors import KafkaError

    found = await Groups(cluster).describe_groups(names)
    groups = {name: each for name, each in found.items() if not isinstance(each, KafkaError)}
    errors = {name: each for name, each in found.items() if isinstance(each, KafkaError)}
    progress = await progress_of(cluster, groups) if groups else {}
    rows = [group_row(group, progress[name]) for name, group in groups.items()]
    return rows, errors, await hints_for(cluster, errors)


def group_row(group: GroupDescription, progress: list[Progress]) -> dict[str, Any]:
    known = [each.lag for each in progress if each.lag is not None]
    offsets = [each.row() for each in progress]
    for row in offsets:
        del row["group"]
    return {
        "group": group.group_id,
        "type": group.type,
        "state": group.state,
        "assignor": group.assignor or None,
        "coordinator": group.coordinator,
        "epoch": group.epoch if group.epoch >= 0 else None,
        "lag": sum(known) if known else None,
        "members": [member_row(each) for each in group.members],
        "offsets": offsets,
    }


def member_row(member: MemberDescription) -> dict[str, Any]:
    return {
        "member": member.member_id,
        "client": member.client_id,
        "host": member.host,
        "instance_id": member.group_instance_id,
        "rack": member.rack,
        "epoch": member.epoch if member.epoch >= 0 else None,
        "subscribed": [*member.topics, *([f"/{member.topic_pattern}/"] if member.topic_pattern else [])],
        "assigned": assigned(member.assignment),
        "target": assigned(member.target) if member.target is not None else None,
    }


def assigned(partitions: dict[str, tuple[int, ...]]) -> list[str]:
    return [f"{topic}:{part}" for topic, parts in partitions.items() for part in parts]


def print_group(row: dict[str, Any], only: tuple[bool, bool], *, wide: bool) -> None:
    members_only, offsets_only = only
    everything = not any(only)
    if everything:
        facts = ("group", "type", "state", "assignor", "coordinator", "epoch", "lag")
        print_facts({name: row[name] for name in facts} | {"members": len(row["members"])})
    if (everything and row["members"]) or members_only:
        if everything:
            click.echo()
        columns = ["member", "client", "host", "assigned"]
        more = ["instance_id", "rack", "epoch", "subscribed", "target"]
        print_table(row["members"], columns + more if wide else columns)
    if (everything and row["offsets"]) or offsets_only:
        if everything or members_only:
            click.echo()
        columns = ["topic", "partition", "committed", "end", "lag", "client"]
        print_table(row["offsets"], [*columns, "start", "member", "host"] if wide else columns)
