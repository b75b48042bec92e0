"""`ottla topic`: create, list, describe, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.lazy import NounGroup
from ottla.cli.options import (
    advice,
    client_settings,
    confirm,
    connection_options,
    key_values,
    on_cluster,
    output_option,
    yes_option,
)
from ottla.cli.output import print_facts, print_json, print_rows, print_table
from ottla.cli.problems import note, report

if TYPE_CHECKING:
    from ottla.client.admin import ConfigEntry, CreatedTopic
    from ottla.client.cluster import Cluster
    from ottla.client.view import TopicView
    from ottla.core.model.errors import KafkaError


@click.group(cls=NounGroup)
def topic() -> None:
    """Create, list, describe and delete topics."""


@topic.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "-p", "--partitions", type=click.IntRange(1), help="How many [default: the broker's num.partitions]."
)
@click.option(
    "-r", "--replication-factor", type=click.IntRange(1), help="Replicas of each [default: the broker's]."
)
@click.option(
    "-c", "--config", "configs", multiple=True, metavar="KEY=VALUE", help="A topic config; repeatable."
)
@click.option(
    "--replica-assignment", metavar="B:B,B:B", help="Brokers of each partition, e.g. 1:2,2:3 for two."
)
@click.option("--if-not-exists", is_flag=True, help="A topic that is there already is no error.")
@click.option("--dry-run", is_flag=True, help="Only check that it could be created.")
@output_option()
@connection_options
def create(
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[str, ...],
    replica_assignment: str | None,
    if_not_exists: bool,
    dry_run: bool,
    output: str,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
) -> int:
    """Create topics.

    \b
    ottla topic create orders -p 3
    ottla topic create state -c cleanup.policy=compact
    """
    from ottla.client.admin import DEFAULT, Admin, NewTopic

    if replica_assignment and (partitions or replication_factor):
        raise click.UsageError("--replica-assignment says it all: leave -p and -r out")
    assignments = parse_assignment(replica_assignment) if replica_assignment else {}
    wanted = [
        NewTopic(
            name,
            partitions or DEFAULT,
            replication_factor or DEFAULT,
            key_values(configs, "-c"),
            assignments,
        )
        for name in names
    ]

    async def work(cluster: Cluster) -> list[CreatedTopic]:
        return await Admin(cluster).create_topics(wanted, validate_only=dry_run)

    created = on_cluster(client_settings(bootstrap, extra, config_file), work)
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
    if rows or output in ("json", "jsonl"):
        print_rows(rows, output, columns=("name", "partitions", "replicas"), wide=("id",))
    return code


def refused(what: str, error: KafkaError) -> int:
    """Report one refusal among several results. Returns its exit code."""
    code, hint = advice(error.code.name)
    report(f"{what}: {error}", hint)
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


@topic.command("list")
@click.option("--exclude-internal", is_flag=True, help="Leave topics like __consumer_offsets out.")
@output_option()
@connection_options
def list_topics(
    exclude_internal: bool,
    output: str,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
) -> None:
    """List topics."""
    from ottla.client.admin import Admin
    from ottla.core.model.ids import uuid_text

    async def work(cluster: Cluster) -> list[TopicView]:
        return await Admin(cluster).topics()

    rows = [
        {
            "name": view.name,
            "partitions": len(view.partitions),
            "replicas": replicas_of(view),
            "internal": view.internal,
            "id": uuid_text(view.id),
        }
        for view in on_cluster(client_settings(bootstrap, extra, config_file), work)
        if not (exclude_internal and view.internal)
    ]
    print_rows(rows, output, columns=("name", "partitions", "replicas"), wide=("internal", "id"))


@topic.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--partitions", "only_partitions", is_flag=True, help="Partitions only.")
@click.option("--configs", "only_configs", is_flag=True, help="Configs only.")
@click.option(
    "--under-replicated-partitions", "lagging", is_flag=True, help="Only partitions short of a replica."
)
@click.option(
    "--unavailable-partitions", "leaderless", is_flag=True, help="Only partitions without a leader."
)
@output_option("table", "wide", "json", "jsonl")
@connection_options
def describe(
    names: tuple[str, ...],
    only_partitions: bool,
    only_configs: bool,
    lagging: bool,
    leaderless: bool,
    output: str,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
) -> int:
    """Describe topics: partitions, offsets and configs.

    The table leaves out configs that hold their default; -o wide shows them all.
    """
    described, errors = on_cluster(
        client_settings(bootstrap, extra, config_file), lambda cluster: describe_topics(cluster, list(names))
    )
    for each in described:
        if lagging:
            each["partitions"] = [row for row in each["partitions"] if len(row["isr"]) < len(row["replicas"])]
        if leaderless:
            each["partitions"] = [row for row in each["partitions"] if row["leader"] is None]
    if output in ("json", "jsonl"):
        print_json(described, output)
    else:
        sections = (only_partitions or lagging or leaderless, only_configs)
        for number, each in enumerate(described):
            if number:
                click.echo()
            print_topic(each, sections, wide=output == "wide")
    return max([refused(f"topic {name}", error) for name, error in errors.items()], default=0)


async def describe_topics(
    cluster: Cluster, names: list[str]
) -> tuple[list[dict[str, Any]], dict[str, KafkaError]]:
    """Everything `describe` shows of each topic, and what was refused."""
    from ottla.client.admin import Admin
    from ottla.core.model.errors import KafkaError
    from ottla.core.model.ids import uuid_text

    admin = Admin(cluster)
    found = await admin.describe_topics(names)
    views = [view for view in found.values() if not isinstance(view, KafkaError)]
    configs = await admin.topic_configs([view.name for view in views]) if views else {}
    starts, ends = await log_offsets(cluster, views)
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
            "configs": [config_row(entry) for entry in configs.get(view.name, [])],
        }
        for view in views
    ]
    return described, {name: error for name, error in found.items() if isinstance(error, KafkaError)}


async def log_offsets(cluster: Cluster, views: list[TopicView]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Start and end offsets of all partitions that have a leader."""
    from ottla.client.offsets import end_offsets, start_offsets

    led = [(view.name, index) for view in views for index in view.led()]
    if not led:
        return {}, {}
    return await start_offsets(cluster, led), await end_offsets(cluster, led)


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


@topic.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--if-exists", is_flag=True, help="A topic that is not there is no error.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@yes_option
@connection_options
def delete(
    names: tuple[str, ...],
    if_exists: bool,
    dry_run: bool,
    yes: bool,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
) -> int:
    """Delete topics and all their records."""
    from ottla.client.admin import Admin
    from ottla.core.model.errors import ErrorCode, KafkaError

    settings = client_settings(bootstrap, extra, config_file)
    if dry_run:
        found = on_cluster(settings, lambda cluster: Admin(cluster).describe_topics(names))
        errors = {name: each if isinstance(each, KafkaError) else None for name, each in found.items()}
    else:
        confirm(f"Delete {', '.join(names)} with all records?", yes=yes)
        errors = on_cluster(settings, lambda cluster: Admin(cluster).delete_topics(names))
    code = 0
    for name, error in errors.items():
        if error is None:
            note(f"topic {name} would be deleted" if dry_run else f"deleted topic {name}")
        elif if_exists and error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
            note(f"topic {name} is not there")
        else:
            code = refused(f"topic {name}", error)
    return code
