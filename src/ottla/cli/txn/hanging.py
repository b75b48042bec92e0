"""`ottla txn find-hanging` and `ottla txn abort`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.choosing import named_partitions, parse_topics, topics_option
from ottla.cli.explaining import refused
from ottla.cli.options import confirm, output_option, yes_option
from ottla.cli.output import print_rows
from ottla.cli.problems import FAILED, NOT_FOUND, Problem, note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.transactions import OpenTransaction
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError

LONGEST_MS = 900_000
"""transaction.max.timeout.ms, as brokers have it unless told otherwise."""


@click.command("find-hanging")
@topics_option("Only this topic, or some partitions of it; repeatable [default: all].")
@click.option(
    "--older-than",
    type=click.IntRange(0),
    default=LONGEST_MS,
    show_default=True,
    metavar="MS",
    help="Only with a last record older than this: what is younger may still be ended.",
)
@output_option("table", "json", "jsonl", "yaml")
@target_options
def find_hanging(topics: tuple[str, ...], older_than: int, output: str, target: Target) -> int:
    """Find transactions nobody will end: open in a partition, unknown to every coordinator.

    Readers of committed records stand still behind them.
    """
    wanted = parse_topics(topics)

    async def work(cluster: Cluster) -> tuple[list[OpenTransaction], dict[TopicPartition, KafkaError]]:
        from ottla.client.admin.topics import Topics
        from ottla.client.admin.transactions import Transactions

        named = wanted or {view.name: None for view in await Topics(cluster).topics()}
        partitions = await named_partitions(cluster, named)
        return await Transactions(cluster).find_hanging(partitions, older_than_ms=older_than)

    found, silent = ask(target, work)
    columns = ("topic", "partition", "producer_id", "producer_epoch", "start_offset", "last_timestamp")
    print_rows([row(each) for each in found], output, columns=columns)
    for each in found:
        note(
            f"end it with: ottla txn abort --topic {each.topic} --partition {each.partition} "
            f"--start-offset {each.producer.start_offset}"
        )
    code = 0
    for (topic, partition), error in silent.items():
        code = refused(f"{topic}:{partition}", error)
    return code or (FAILED if silent else 0)


def row(each: OpenTransaction) -> dict[str, Any]:
    return {
        "topic": each.topic,
        "partition": each.partition,
        "producer_id": each.producer.producer_id,
        "producer_epoch": each.producer.producer_epoch,
        "start_offset": each.producer.start_offset,
        "last_timestamp": each.producer.last_timestamp,
        "coordinator_epoch": each.producer.coordinator_epoch,
    }


@click.command()
@click.option("--topic", required=True, metavar="NAME")
@click.option("--partition", required=True, type=click.IntRange(0), metavar="N")
@click.option(
    "--start-offset", required=True, type=click.IntRange(0), metavar="N", help="As find-hanging shows it."
)
@click.option("--dry-run", is_flag=True, help="Only show whom it would end.")
@yes_option
@target_options
def abort(topic: str, partition: int, start_offset: int, dry_run: bool, yes: bool, target: Target) -> None:
    """Abort a transaction that hangs in a partition, past its coordinator.

    Only for what find-hanging finds: a transaction that its coordinator still knows would lose records.
    """
    found = ask(target, lambda cluster: open_at(cluster, topic, partition, start_offset))
    producer = found.producer
    note(
        f"{topic}:{partition}: producer {producer.producer_id} epoch {producer.producer_epoch} "
        f"has a transaction open since offset {start_offset}"
    )
    if dry_run:
        note("nothing was aborted: --dry-run")
        return
    confirm("Abort it? If its producer is alive, its records in this partition are lost.", yes=yes)

    async def work(cluster: Cluster) -> None:
        from ottla.client.admin.transactions import Transactions

        await Transactions(cluster).abort_transaction(found)

    ask(target, work)
    note("aborted")


async def open_at(cluster: Cluster, topic: str, partition: int, start_offset: int) -> OpenTransaction:
    """Raises Problem when no transaction began there, KafkaError."""
    from ottla.client.admin.transactions import OpenTransaction, Transactions
    from ottla.core.model.errors import KafkaError

    await named_partitions(cluster, {topic: frozenset({partition})})
    told = (await Transactions(cluster).describe_producers([(topic, partition)]))[topic, partition]
    if isinstance(told, KafkaError):
        raise told
    for producer in told:
        if producer.start_offset == start_offset:
            return OpenTransaction(topic, partition, producer)
    known = ", ".join(str(each.start_offset) for each in told if each.start_offset >= 0)
    raise Problem(
        f"no transaction is open in {topic}:{partition} since offset {start_offset}",
        f"open there begin at: {known}." if known else "`ottla txn find-hanging` shows those that hang.",
        NOT_FOUND,
    )
