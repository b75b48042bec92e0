"""`ottla topic analyze`: what is in a topic, by reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.bench.figures import progress
from ottla.cli.choosing import named_partitions, parse_topics
from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.cli.offset_grammar import OffsetRange
    from ottla.cli.topic.analysis import Analysis
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition

POLL_MS = 500


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[:P,P]...", shell_complete=TOPIC_NAMES)
@click.option(
    "--offset",
    "offsets",
    default="start:end",
    show_default=True,
    metavar="OFFSETS",
    help="What to read, in the grammar of `ottla consume`.",
)
@output_option(*DATA)
@target_options
def analyze(names: tuple[str, ...], offsets: str, output: str, target: Target) -> None:
    """Read topics, and tell what is in them: sizes, rates, keys, codecs, how evenly partitions are filled.

    Sizes are bytes of keys and values; percentiles are true to within an eighth. Keys are counted exactly up to 20000, and
    within a hundredth beyond. Skew is the fullest partition beside the average one: 1 is even.

    \b
    ottla topic analyze orders
    ottla topic analyze orders --offset -10000:end     the last 10000 of each partition
    ottla topic analyze orders --offset @-1h:end -o json
    """
    from ottla.cli.offset_grammar import AtEnd
    from ottla.cli.reading_range import range_option
    from ottla.cli.topic.analysis import row_of
    from ottla.client.settings import ConsumerSettings

    wanted = range_option(offsets, "--offset")
    wanted = wanted._replace(stop=wanted.stop or AtEnd())
    topics = parse_topics(names)
    settings = client_settings(target, ConsumerSettings, {"auto.offset.reset": "earliest"})
    found = on_cluster(settings, lambda cluster: read(cluster, topics, wanted))
    rows = [row_of(name, found[name]) for name in topics]
    if output in DATA_FORMS:
        print_data(rows, output)
        return
    for number, row in enumerate(rows):
        if number:
            click.echo()
        print_analysis(row, wide=output == "wide")


async def read(
    cluster: Cluster, topics: dict[str, frozenset[int] | None], wanted: OffsetRange
) -> dict[str, Analysis]:
    """Raises KafkaError, ClientError, Problem."""
    from ottla.cli.reading_range import resolve_range
    from ottla.cli.topic.analysis import Analysis, Seen
    from ottla.client.consuming.consumer import Consumer

    partitions = await named_partitions(cluster, topics)
    starts, stops = await resolve_range(cluster, partitions, wanted)
    found = {name: Analysis() for name in topics}
    for name, partition in partitions:
        found[name].partitions[partition] = Seen()
    left: set[TopicPartition] = set(starts)
    total = sum(stops[key] - starts[key] for key in starts)
    async with Consumer(cluster=cluster) as consumer:
        consumer.assign(starts)
        with progress(total, "reading") as bar:
            while left:
                for fetched in await consumer.poll(POLL_MS):
                    key = (fetched.topic, fetched.partition)
                    if key not in left:
                        continue
                    found[fetched.topic].add(fetched, stops[key])
                    bar.update(min(fetched.next_offset, stops[key]) - fetched.first_offset)
                    if fetched.next_offset >= stops[key]:
                        left.discard(key)
                        consumer.assign(left)
    return found


def print_analysis(row: dict[str, Any], *, wide: bool) -> None:
    """One topic as a person reads it."""
    lists = ("by_partition", "largest_records", "distinct_keys_exact")
    facts = {name.replace("_", " "): value for name, value in row.items() if name not in lists}
    facts["compression"] = (
        ", ".join(f"{codec} {count}" for codec, count in row["compression"].items()) or None
    )
    if not row["distinct_keys_exact"]:
        facts["distinct keys"] = f"about {row['distinct_keys']}"
    print_facts(facts)
    click.echo()
    columns = ("partition", "records", "share_percent", "bytes", "largest", "oldest", "youngest")
    more = ("bytes_stored", "largest_at_offset") if wide else ()
    print_table(row["by_partition"], (*columns, *more))
    if row["largest_records"]:
        click.echo("\nThe largest records:")
        print_table(row["largest_records"], ("partition", "offset", "bytes"))
