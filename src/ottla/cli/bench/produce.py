"""`ottla bench produce`."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.bench.figures import Measured, percentiles, progress, tell, topic_to_use
from ottla.cli.options import output_option
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.producing.delivery import Delivered, Deliveries

BATCH = 500
"""Records that are handed to the producer in one call, and whose acknowledgement is timed."""
AHEAD = 40
"""Such calls that may be on their way at once."""


@click.command()
@click.argument("topic", required=False, metavar="[TOPIC]")
@click.option("-n", "--records", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option(
    "-s", "--size", type=click.IntRange(0), default=1_000, show_default=True, help="Bytes of a value."
)
@click.option(
    "-r", "--rate", type=click.FloatRange(0, min_open=True), help="Records a second [default: no limit]."
)
@click.option(
    "-p", "--partitions", type=click.IntRange(1), default=1, show_default=True, help="Of a topic of our own."
)
@output_option("table", "json", "jsonl", "yaml")
@target_options
def produce(
    topic: str | None,
    records: int,
    size: int,
    rate: float | None,
    partitions: int,
    output: str,
    target: Target,
) -> None:
    """Write records as fast as it goes, or at a rate.

    Without TOPIC it makes one, and deletes it at the end. Settings of the producer: -X linger.ms=5 -X compression.type=zstd.

    \b
    ottla bench produce -n 1000000 -s 100 -X acks=1
    """
    from ottla.client.settings import ProducerSettings

    settings = client_settings(target, ProducerSettings)

    async def work(cluster: Cluster) -> dict[str, Any]:
        async with topic_to_use(cluster, topic, partitions) as name:
            return await run(cluster, name, records, size, rate)

    tell(on_cluster(settings, work), output)


class Calls:
    """Calls on their way, and how long each took to be acknowledged: told when that comes, not when somebody asks."""

    def __init__(self) -> None:
        self.acknowledged: list[float] = []
        """Seconds."""
        self._all: deque[Deliveries] = deque()
        self._open: list[tuple[float, Deliveries]] = []

    def add(self, began: float, deliveries: Deliveries) -> None:
        self._all.append(deliveries)
        self._open.append((began, deliveries))
        self.look()

    def look(self, delivered: Delivered | None = None) -> None:
        """Called at the end of each batch."""
        now = time.perf_counter()
        self.acknowledged += [now - began for began, each in self._open if each.is_done]
        self._open = [entry for entry in self._open if not entry[1].is_done]

    async def settle(self, most: int) -> None:
        """Wait until no more than `most` are on their way. Raises what a delivery failed with."""
        while len(self._all) > most:
            await self._all.popleft()


async def run(cluster: Cluster, topic: str, records: int, size: int, rate: float | None) -> dict[str, Any]:
    from ottla.client.producing.producer import Producer

    values = [os.urandom(size) for _ in range(min(BATCH, records))]
    calls = Calls()
    clock = cluster.world.clock
    sent = 0
    with progress(records, "writing") as bar, Measured() as measured:
        began = time.perf_counter()
        async with Producer(cluster=cluster, on_delivery=calls.look) as producer:
            while sent < records:
                if rate is not None:
                    early = sent / rate - (time.perf_counter() - began)
                    if early > 0:
                        await clock.sleep(max(1, int(early * 1000)))
                count = min(BATCH if rate is None else max(1, min(BATCH, int(rate / 100))), records - sent)
                now = time.perf_counter()
                calls.add(now, await producer.send_batch(topic, values[:count]))
                sent += count
                bar.update(count)
                await calls.settle(AHEAD)
            await calls.settle(0)
    return {
        "topic": topic,
        **measured.rates(sent, sent * size),
        **percentiles("acknowledged", calls.acknowledged),
    }
