"""`ottla bench e2e`."""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING, Any, Final

import click

from ottla.cli.bench.figures import Measured, percentiles, progress, tell, topic_to_use
from ottla.cli.options import output_option
from ottla.cli.problems import TIMED_OUT, Problem
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.consuming.consumer import Consumer
    from ottla.client.producing.delivery import Delivered

POLL_MS: Final = 1_000
PATIENCE_S: Final = 30
MARK: Final = struct.Struct(">QQ")
"""Whose record it is, and which."""


@click.command()
@click.argument("topic", required=False, metavar="[TOPIC]")
@click.option("-n", "--records", type=click.IntRange(1), default=1_000, show_default=True)
@click.option(
    "-s", "--size", type=click.IntRange(MARK.size), default=100, show_default=True, help="Bytes of a value."
)
@output_option("table", "json", "jsonl", "yaml")
@target_options
def e2e(topic: str | None, records: int, size: int, output: str, target: Target) -> None:
    """How long a record takes from the producer to the consumer: one at a time, there and back.

    Without TOPIC it makes one, and deletes it at the end.
    """
    from ottla.client.settings import ConsumerSettings

    settings = client_settings(target, ConsumerSettings, {"fetch.max.wait.ms": "500"})

    async def work(cluster: Cluster) -> dict[str, Any]:
        async with topic_to_use(cluster, topic, 1) as name:
            return await run(cluster, name, records, size)

    tell(on_cluster(settings, work), output)


async def run(cluster: Cluster, topic: str, records: int, size: int) -> dict[str, Any]:
    from ottla.client.consuming.consumer import Consumer
    from ottla.client.offsets import end_offsets
    from ottla.client.producing.producer import Producer

    run_id = int.from_bytes(os.urandom(8))
    filler = os.urandom(size - MARK.size)
    there: list[float] = []
    acknowledged: list[float] = []
    began = 0.0

    def is_acknowledged(delivered: Delivered) -> None:
        acknowledged.append(time.perf_counter() - began)

    async with (
        Producer(cluster=cluster, linger_ms=0, on_delivery=is_acknowledged) as producer,
        Consumer(cluster=cluster) as consumer,
    ):
        consumer.assign(await end_offsets(cluster, [(topic, 0)]))
        with progress(records, "there and back") as bar, Measured() as measured:
            for number in range(records):
                mark = MARK.pack(run_id, number)
                began = time.perf_counter()
                delivery = await producer.send(topic, mark + filler, partition=0)
                await until_seen(consumer, mark, began)
                there.append(time.perf_counter() - began)
                await delivery
                bar.update(1)
    told = {**percentiles("end_to_end", there), **percentiles("acknowledged", acknowledged)}
    return {"topic": topic, **measured.rates(records, records * size), **told}


async def until_seen(consumer: Consumer, mark: bytes, began: float) -> None:
    """Others may write to the topic as well. Raises Problem when it does not come."""
    while time.perf_counter() - began < PATIENCE_S:
        for fetched in await consumer.poll(POLL_MS):
            if any((record.value or b"")[: MARK.size] == mark for record in fetched.records()):
                return
    raise Problem(
        f"a record did not come back within {PATIENCE_S} s",
        "is somebody deleting records of the topic?",
        TIMED_OUT,
    )
