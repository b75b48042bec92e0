"""`ottla topic list` and `ottla topic describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.log_ends import log_ends, log_starts
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_rows, print_table
from ottla.cli.target import Target, ask, target_options
from ottla.cli.topic.missing import hints_for, report_refused

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigEntry
    from ottla.client.cluster import Cluster
    from ottla.client.view import TopicView
    from ottla.core.model.errors import KafkaError


@click.command("list")
@click.option("--exclude-internal", is_flag=True, help="Leave topics like __consumer_offsets out.")
@output_option()
@target_options
def list_topics(
    exclude_internal: bool,
    output: str,
    target: Target,
) -> None:
    """List topics."""
    from ottla.client.admin.topics import Topics
    from ottla.core.model.ids import uuid_text

    async def work(cluster: Cluster) -> list[TopicView]:
        return await Topics(cluster).topics()

    rows = [
        {
            "name": view.name,
            "partitions": len(view.partitions),
            "replicas": replicas_of(view),
            "internal": view.internal,
            "id": uuid_text(view.id),
        }
        for view in ask(target, work)
        if not (exclude_internal and view.internal)
    ]
    print_rows(rows, output, columns=("name", "partitions", "replicas"), wide=("internal", "id"))


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=TOPIC_NAMES)
@click.option("--partitions", "only_partitions", is_flag=True, help="Partitions only.")
@click.option("--configs", "only_configs", is_flag=True, help="Configs only.")
@click.option(
    "--under-replicated-partitions", "lagging", is_flag=True, help="Only partitions short of a replica."
)
@click.option(
    "--unavailable-partitions", "leaderless", is_flag=True, help="Only partitions without a leader."
)
@output_option(*DATA)
@target_options
def describe(
    names: tuple[str, ...],
    only_partitions: bool,
    only_configs: bool,
    lagging: bool,
    leaderless: bool,
    output: str,
    target: Target,
) -> int:
    """Describe topics: partitions, offsets and configs.

    The table leaves out configs that hold their default; -o wide shows them all.
    """

    async def work(
        cluster: Cluster,
    ) -> tuple[list[dict[str, Any]], dict[str, KafkaError], dict[str, str]]:
        found, refusals = await describe_topics(cluster, list(names))
        return found, refusals, await hints_for(cluster, refusals)

    described, errors, hints = ask(target, work)
    for each in described:
        if lagging:
            each["partitions"] = [row for row in each["partitions"] if len(row["isr"]) < len(row["replicas"])]
        if leaderless:
            each["partitions"] = [row for row in each["partitions"] if row["leader"] is None]
    if output in DATA_FORMS:
        print_data(described, output)
    else:
        sections = (only_partitions or lagging or leaderless, only_configs)
        for number, each in enumerate(described):
            if number:
                click.echo()
            print_topic(each, sections, wide=output == "wide")
    return report_refused(errors, hints)


async def describe_topics(
    cluster: Cluster, names: list[str]
) -> tuple[list[dict[str, Any]], dict[str, KafkaError]]:
    """Everything `describe` shows of each topic, and what was refused."""
    from ottla.client.admin.configs import Configs
    from ottla.client.admin.topics import Topics
    from ottla.core.model.errors import KafkaError
    from ottla.core.model.ids import uuid_text

    found = await Topics(cluster).describe_topics(names)
    views = [view for view in found.values() if not isinstance(view, KafkaError)]
    configs = await Configs(cluster).topic_configs([view.name for view in views]) if views else {}
    partitions = [(view.name, index) for view in views for index in view.partitions]
    starts, ends = await log_starts(cluster, partitions), await log_ends(cluster, partitions)
    described = [
        {
            "name": view.name,
            "id": uuid_text(view.id),
            "internal": view.internal,
            "replicas": replicas_of(view),
            "partitions": [
                {
                    "partition": index,
                    "leader": part.leader if part.leader >= 0 else None,
                    "leader_epoch": part.leader_epoch,
                    "replicas": list(part.replicas),
                    "isr": list(part.isr),
                    "offline": list(part.offline),
                    "start_offset": starts.get((view.name, index)),
                    "end_offset": ends.get((view.name, index)),
                }
                for index, part in view.partitions.items()
            ],
            "configs": config_rows(configs[view.name]),
        }
        for view in views
    ]
    errors = {name: error for name, error in found.items() if isinstance(error, KafkaError)}
    return described, errors | {
        f"configs of {name}": error for name, error in configs.items() if isinstance(error, KafkaError)
    }


def config_rows(found: list[ConfigEntry] | KafkaError) -> list[dict[str, Any]]:
    return [config_row(entry) for entry in found] if isinstance(found, list) else []


def config_row(entry: ConfigEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "value": entry.value,
        "source": entry.source,
        "read_only": entry.read_only,
        "sensitive": entry.sensitive,
    }


def print_topic(described: dict[str, Any], only: tuple[bool, bool], *, wide: bool) -> None:
    """One topic as a person reads it. `only`: partitions alone, configs alone."""
    partitions_only, configs_only = only
    everything = not any(only)
    if everything:
        print_facts(
            {
                "name": described["name"],
                "id": described["id"],
                "partitions": len(described["partitions"]),
                "replicas": described["replicas"],
                "internal": described["internal"],
            }
        )
        click.echo()
    if everything or partitions_only:
        columns = ["partition", "leader", "leader_epoch", "replicas", "isr", "start_offset", "end_offset"]
        print_table(described["partitions"], [*columns, "offline"] if wide else columns)
    configs = [entry for entry in described["configs"] if wide or entry["source"] != "default"]
    if (everything and configs) or configs_only:
        if not configs_only:
            click.echo()
        shown = [
            {**entry, "value": "(sensitive)" if entry["sensitive"] else entry["value"]} for entry in configs
        ]
        print_table(shown, ["name", "value", "source"])


def replicas_of(view: TopicView) -> int:
    return max((len(part.replicas) for part in view.partitions.values()), default=0)
