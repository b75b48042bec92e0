"""`ottla bench consume`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.bench.figures import Measured, progress, tell
from ottla.cli.choosing import named_partitions
from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.options import output_option
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster

POLL_MS = 500


@click.command()
@click.argument("topic", shell_complete=TOPIC_NAMES)
@click.option(
    "-n", "--records", type=click.IntRange(1), help="Stop after this many [default: at the end of now]."
)
@click.option(
    "--decode/--no-decode", default=True, show_default=True, help="Decode keys and values into columns."
)
@output_option("table", "json", "jsonl", "yaml")
@target_options
def consume(topic: str, records: int | None, decode: bool, output: str, target: Target) -> None:
    """Read a topic as fast as it goes, from its start.

    \b
    ottla bench consume orders -X fetch.max.bytes=10000000
    """
    from ottla.client.settings import ConsumerSettings

    settings = client_settings(target, ConsumerSettings, {"auto.offset.reset": "earliest"})
    tell(on_cluster(settings, lambda cluster: run(cluster, topic, records, decode)), output)


async def run(cluster: Cluster, topic: str, records: int | None, decode: bool) -> dict[str, Any]:
    from ottla.client.consuming.consumer import Consumer
    from ottla.client.offsets import end_offsets, start_offsets
    from ottla.core.records.columns import Columns, append_columns

    partitions = await named_partitions(cluster, {topic: None})
    starts, ends = await start_offsets(cluster, partitions), await end_offsets(cluster, partitions)
    left = {key for key in partitions if starts[key] < ends[key]}
    wanted = records if records is not None else sum(ends[key] - starts[key] for key in partitions)
    seen = size = 0
    first: float | None = None
    with progress(wanted, "reading") as bar, Measured() as measured:
        began = time.perf_counter()
        async with Consumer(cluster=cluster) as consumer:
            consumer.assign({key: starts[key] for key in left})
            while left and seen < wanted:
                for fetched in await consumer.poll(POLL_MS):
                    if first is None:
                        first = time.perf_counter() - began
                    columns = Columns()
                    count = 0
                    for batch in fetched.batches:
                        count += batch.header.count
                        size += batch.header.size
                        if decode:
                            append_columns(columns, batch.data, batch.header, batch.first_offset)
                    count = len(columns) if decode else count
                    seen += count
                    bar.update(count)
                    if fetched.next_offset >= ends[fetched.topic, fetched.partition]:
                        left.discard((fetched.topic, fetched.partition))
    told = {"first_record_ms": None if first is None else round(first * 1000, 3), "decoded": decode}
    return {"topic": topic, **measured.rates(seen, size), **told}
