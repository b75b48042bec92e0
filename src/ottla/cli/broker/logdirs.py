"""`ottla broker logdirs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.explaining import BROKERS_HINT
from ottla.cli.options import output_option
from ottla.cli.output import DATA_FORMS, print_rows
from ottla.cli.problems import FAILED, NOT_FOUND, report
from ottla.cli.target import Target, ask, target_options
from ottla.cli.topic.missing import hints_for, report_refused

if TYPE_CHECKING:
    from ottla.client.admin.log_dirs import LogDir
    from ottla.client.cluster import Cluster
    from ottla.client.errors import ClientError
    from ottla.core.model.errors import KafkaError

UNKNOWN = -1


@click.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="Count these topics only; repeatable.")
@click.option("--replicas", "each_replica", is_flag=True, help="A row for each replica.")
@output_option()
@target_options
def logdirs(
    ids: tuple[int, ...], topics: tuple[str, ...], each_replica: bool, output: str, target: Target
) -> int:
    """Log directories of brokers, and how much lies in them. Sizes are bytes."""

    from ottla.client.errors import NoSuchBroker

    directories, code = ask(target, lambda cluster: directories_of(cluster, ids, topics))
    rows: list[dict[str, Any]] = []
    for broker, found in directories.items():
        if not isinstance(found, list):
            missing = isinstance(found, NoSuchBroker)
            report(f"broker {broker}: {found}", BROKERS_HINT if missing else f"is it running? {BROKERS_HINT}")
            code = NOT_FOUND if missing else FAILED
            continue
        for directory in found:
            if directory.error is not None:
                report(f"broker {broker}, {directory.path}: {directory.error}", "the broker's log says more.")
                code = FAILED
            rows += (
                replica_rows(broker, directory, topics)
                if each_replica
                else [directory_row(broker, directory, topics)]
            )
    if not rows and output not in DATA_FORMS:
        return code
    if each_replica:
        columns: tuple[str, ...] = ("broker", "topic", "partition", "size", "lag", "path")
        print_rows(rows, output, columns=columns, wide=("moving_here",))
    else:
        columns = ("broker", "path", "replicas", "size", "usable", "total")
        print_rows(rows, output, columns=columns, wide=("error", "cordoned"))
    return code


async def directories_of(
    cluster: Cluster, ids: tuple[int, ...], topics: tuple[str, ...]
) -> tuple[dict[int, list[LogDir] | KafkaError | ClientError], int]:
    """Broker -> its directories. Topics that are not there are said; the number is the exit code."""
    from ottla.client.admin.log_dirs import LogDirs
    from ottla.client.admin.topics import Topics
    from ottla.core.model.errors import KafkaError

    views = await Topics(cluster).describe_topics(topics)
    errors = {name: each for name, each in views.items() if isinstance(each, KafkaError)}
    code = report_refused(errors, await hints_for(cluster, errors))
    found = await LogDirs(cluster).describe_log_dirs(dict.fromkeys(ids) or sorted(cluster.view.nodes))
    return found, code


def directory_row(broker: int, directory: LogDir, topics: tuple[str, ...]) -> dict[str, Any]:
    replicas = [each for each in directory.replicas if not topics or each.topic in topics]
    return {
        "broker": broker,
        "path": directory.path,
        "replicas": len(replicas),
        "size": sum(each.size for each in replicas),
        "usable": None if directory.usable_bytes == UNKNOWN else directory.usable_bytes,
        "total": None if directory.total_bytes == UNKNOWN else directory.total_bytes,
        "error": None if directory.error is None else directory.error.code.name,
        "cordoned": directory.is_cordoned,
    }


def replica_rows(broker: int, directory: LogDir, topics: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "broker": broker,
            "topic": each.topic,
            "partition": each.partition,
            "size": each.size,
            "lag": each.lag,
            "path": directory.path,
            "moving_here": each.is_future,
        }
        for each in sorted(directory.replicas, key=lambda each: (each.topic, each.partition))
        if not topics or each.topic in topics
    ]
