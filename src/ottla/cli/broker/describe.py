"""`ottla broker list` and `ottla broker describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.broker.logdirs import directory_row
from ottla.cli.config.get import config_row, entries_of, for_people
from ottla.cli.config.resource import resource_of
from ottla.cli.explaining import BROKERS_HINT
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_rows, print_table
from ottla.cli.problems import NOT_FOUND, Problem
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.brokers import BrokerDescription, ClusterDescription
    from ottla.client.admin.log_dirs import LogDir
    from ottla.client.cluster import Cluster
    from ottla.client.view import TopicView


@click.command("list")
@output_option()
@target_options
def list_brokers(output: str, target: Target) -> None:
    """List brokers, fenced ones among them. The controller is whom clients may ask for changes."""
    cluster, topics = ask(target, seen)
    rows = [broker_row(each, cluster, topics) for each in cluster.brokers]
    wide = ("leads", "replicas", "out_of_sync")
    print_rows(rows, output, columns=("broker", "host", "port", "rack", "state", "controller"), wide=wide)


@click.command()
@click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")
@output_option(*DATA)
@target_options
def describe(ids: tuple[int, ...], output: str, target: Target) -> None:
    """Describe brokers: what they lead and hold, their directories, and configs that differ from the default."""
    found = ask(target, lambda cluster: described(cluster, ids))
    if output in DATA_FORMS:
        print_data(found, output)
        return
    for number, row in enumerate(found):
        if number:
            click.echo()
        facts = {name: value for name, value in row.items() if name not in ("configs", "log_dirs")}
        print_facts({name.replace("_", " "): value for name, value in facts.items()})
        if row["log_dirs"]:
            click.echo()
            print_table(row["log_dirs"], ("path", "replicas", "size", "usable", "total", "error"))
        shown = [each for each in row["configs"] if output == "wide" or each["source"] != "default"]
        configs = [for_people(each) for each in shown]
        if configs:
            click.echo()
            print_table(configs, ("name", "value", "source"))


async def seen(cluster: Cluster) -> tuple[ClusterDescription, list[TopicView]]:
    from ottla.client.admin.brokers import Brokers
    from ottla.client.admin.topics import Topics

    return await Brokers(cluster).describe_cluster(), await Topics(cluster).topics()


async def described(cluster: Cluster, ids: tuple[int, ...]) -> list[dict[str, Any]]:
    """Raises Problem for a broker that is not there."""
    description, topics = await seen(cluster)
    known = {each.id: each for each in description.brokers}
    rows = []
    for broker_id in ids:
        if broker_id not in known:
            raise Problem(
                f"there is no broker {broker_id}",
                BROKERS_HINT,
                NOT_FOUND,
            )
        row = broker_row(known[broker_id], description, topics)
        fenced = known[broker_id].is_fenced
        entries = [] if fenced else await entries_of(cluster, resource_of("broker", str(broker_id)))
        directories = [] if fenced else await directories_on(cluster, broker_id)
        rows.append(
            row
            | {
                "log_dirs": [directory_row(broker_id, each, ()) for each in directories],
                "configs": [config_row(each) for each in entries],
            }
        )
    return rows


async def directories_on(cluster: Cluster, broker_id: int) -> list[LogDir]:
    """Raises KafkaError, ClientError."""
    from ottla.client.admin.log_dirs import LogDirs

    found = (await LogDirs(cluster).describe_log_dirs([broker_id]))[broker_id]
    if isinstance(found, Exception):
        raise found
    return found


def broker_row(
    broker: BrokerDescription, cluster: ClusterDescription, topics: list[TopicView]
) -> dict[str, Any]:
    partitions = [part for topic in topics for part in topic.partitions.values()]
    held = [part for part in partitions if broker.id in part.replicas]
    return {
        "broker": broker.id,
        "host": broker.host,
        "port": broker.port,
        "rack": broker.rack,
        "state": "fenced" if broker.is_fenced else "up",
        "controller": broker.id == cluster.controller_id,
        "cluster_id": cluster.cluster_id,
        "leads": sum(part.leader == broker.id for part in partitions),
        "replicas": len(held),
        "out_of_sync": sum(broker.id not in part.isr for part in held),
    }
