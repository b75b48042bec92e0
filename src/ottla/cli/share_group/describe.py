"""`ottla share-group describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.group.describe import assigned
from ottla.cli.group.missing import hints_for, report_refused
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.share_groups import ShareGroupDescription, ShareStart
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="GROUP...", shell_complete=GROUP_NAMES)
@output_option(*DATA)
@target_options
def describe(names: tuple[str, ...], output: str, target: Target) -> int:
    """Describe share groups: members, where they begin, how much is left."""
    rows, errors, hints = ask(target, lambda cluster: described(cluster, names))
    if output in DATA_FORMS:
        print_data(rows, output)
    else:
        for number, row in enumerate(rows):
            if number:
                click.echo()
            print_facts({name: value for name, value in row.items() if name not in ("members", "starts")})
            for part, columns in (
                ("members", ("member", "client", "host", "assigned")),
                ("starts", ("topic", "partition", "start", "lag")),
            ):
                if row[part]:
                    click.echo()
                    print_table(row[part], columns)
    return report_refused(errors, hints)


async def described(
    cluster: Cluster, names: tuple[str, ...]
) -> tuple[list[dict[str, Any]], dict[str, KafkaError], dict[str, str]]:
    from ottla.client.admin.share_groups import ShareGroups
    from ottla.core.model.errors import KafkaError

    admin = ShareGroups(cluster)
    found = await admin.describe_share_groups(names)
    groups = {name: each for name, each in found.items() if not isinstance(each, KafkaError)}
    errors = {name: each for name, each in found.items() if isinstance(each, KafkaError)}
    starts = await admin.share_group_offsets(list(groups)) if groups else {}
    rows = []
    for name, group in groups.items():
        own = starts[name]
        if isinstance(own, KafkaError):
            raise own
        rows.append(group_row(group, own))
    return rows, errors, await hints_for(cluster, errors)


def group_row(
    group: ShareGroupDescription, starts: dict[TopicPartition, ShareStart | KafkaError]
) -> dict[str, Any]:
    from ottla.client.admin.share_groups import ShareStart

    return {
        "group": group.group_id,
        "state": group.state,
        "assignor": group.assignor or None,
        "coordinator": group.coordinator,
        "epoch": group.epoch,
        "members": [
            {
                "member": each.member_id,
                "client": each.client_id,
                "host": each.host,
                "rack": each.rack,
                "epoch": each.epoch,
                "subscribed": list(each.topics),
                "assigned": assigned(each.assignment),
            }
            for each in group.members
        ],
        "starts": [
            {
                "topic": topic,
                "partition": partition,
                "start": each.offset if isinstance(each, ShareStart) and each.offset >= 0 else None,
                "lag": each.lag if isinstance(each, ShareStart) and each.lag >= 0 else None,
            }
            for (topic, partition), each in sorted(starts.items(), key=lambda item: item[0])
        ],
    }
