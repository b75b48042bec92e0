"""`ottla streams-group describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.group.kinds import STREAMS
from ottla.cli.group.missing import hints_for, report_refused
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.log_ends import log_ends
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.streams_groups import StreamsGroupDescription
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError

TABLES = {
    "subtopologies": ("subtopology", "sources", "repartition", "changelogs"),
    "members": ("member", "client", "host", "process", "active", "standby", "warmup"),
    "offsets": ("topic", "partition", "committed", "end", "lag"),
}


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="GROUP...", shell_complete=GROUP_NAMES)
@output_option(*DATA)
@target_options
def describe(names: tuple[str, ...], output: str, target: Target) -> int:
    """Describe streams groups: topology, tasks of the members, offsets."""
    rows, errors, hints = ask(target, lambda cluster: described(cluster, names))
    if output in DATA_FORMS:
        print_data(rows, output)
    else:
        for number, row in enumerate(rows):
            if number:
                click.echo()
            print_facts({name: value for name, value in row.items() if name not in TABLES})
            for part, columns in TABLES.items():
                if row[part]:
                    click.echo()
                    print_table(row[part], columns)
    return report_refused(errors, hints)


async def described(
    cluster: Cluster, names: tuple[str, ...]
) -> tuple[list[dict[str, Any]], dict[str, KafkaError], dict[str, str]]:
    from ottla.client.admin.streams_groups import StreamsGroups
    from ottla.core.model.errors import KafkaError

    found = await StreamsGroups(cluster).describe_streams_groups(names)
    groups = {name: each for name, each in found.items() if not isinstance(each, KafkaError)}
    errors = {name: each for name, each in found.items() if isinstance(each, KafkaError)}
    rows = []
    for name, group in groups.items():
        committed = await STREAMS.committed(cluster, name)
        await cluster.refresh({topic for topic, _ in committed})
        rows.append(group_row(group, committed, await log_ends(cluster, committed)))
    return rows, errors, await hints_for(cluster, errors)


def group_row(
    group: StreamsGroupDescription, committed: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> dict[str, Any]:
    return {
        "group": group.group_id,
        "state": group.state,
        "coordinator": group.coordinator,
        "epoch": group.epoch,
        "topology_epoch": group.topology_epoch,
        "subtopologies": [
            {
                "subtopology": each.id,
                "sources": list(each.source_topics),
                "repartition": list(each.repartition_source_topics),
                "changelogs": list(each.changelog_topics),
            }
            for each in group.subtopologies
        ],
        "members": [
            {
                "member": each.member_id,
                "client": each.client_id,
                "host": each.host,
                "process": each.process_id,
                "epoch": each.epoch,
                "active": tasks(each.assignment.active),
                "standby": tasks(each.assignment.standby),
                "warmup": tasks(each.assignment.warmup),
            }
            for each in group.members
        ],
        "offsets": [
            {
                "topic": key[0],
                "partition": key[1],
                "committed": committed[key],
                "end": ends.get(key),
                "lag": ends[key] - committed[key] if key in ends else None,
            }
            for key in sorted(committed)
        ],
    }


def tasks(by_subtopology: dict[str, tuple[int, ...]]) -> list[str]:
    """Tasks as Kafka Streams writes them: subtopology_partition."""
    return [f"{each}_{part}" for each, parts in sorted(by_subtopology.items()) for part in parts]
