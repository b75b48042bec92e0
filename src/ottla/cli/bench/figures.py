"""What is measured, and how it is told."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.termui import progressbar

from ottla.cli.output import DATA_FORMS, print_data, print_facts

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from ottla.client.cluster import Cluster

PERCENTILES = (50, 95, 99, 99.9)


class Measured:
    """Wall and processor time of this process between the start and the end of a `with`."""

    def __enter__(self) -> Measured:
        self._wall, self._cpu = time.perf_counter(), cpu_seconds()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = cpu_seconds() - self._cpu

    def rates(self, records: int, size: int) -> dict[str, Any]:
        """`size`: bytes of all records."""
        seconds = max(self.seconds, 1e-9)
        return {
            "records": records,
            "seconds": round(self.seconds, 3),
            "records_a_second": round(records / seconds, 1),
            "mb_a_second": round(size / seconds / 1e6, 3),
            "client_cpu_us_a_record": round(self.cpu_seconds / max(records, 1) * 1e6, 2),
        }


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def percentiles(name: str, seconds: Sequence[float]) -> dict[str, Any]:
    """Of times in seconds, told in ms; the slowest too."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    told = {
        f"{name}_p{percent:g}_ms": round(
            ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 3
        )
        for percent in PERCENTILES
    }
    return told | {f"{name}_max_ms": round(ordered[-1] * 1000, 3)}


def tell(row: dict[str, Any], output: str) -> None:
    if output in DATA_FORMS:
        print_data([row], output)
    else:
        print_facts({name.replace("_", " "): value for name, value in row.items()})


@contextmanager
def progress(length: int, label: str) -> Iterator[ProgressBar[int]]:
    """A bar on stderr, on a terminal alone."""
    hidden = not sys.stderr.isatty()
    with progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar


@asynccontextmanager
async def topic_to_use(cluster: Cluster, name: str | None, partitions: int) -> AsyncIterator[str]:
    """The topic named, which must be there, or one of our own that is deleted afterwards. Raises KafkaError."""
    from ottla.client.admin.topics import NewTopic, Topics

    if name is not None:
        await cluster.topic(name, timeout=0)
        yield name
        return
    admin = Topics(cluster)
    own = f"ottla-bench-{time.time_ns():x}"
    (made,) = await admin.create_topics([NewTopic(own, partitions)])
    if made.error is not None:
        raise made.error
    try:
        await cluster.leader(own, 0)
        yield own
    finally:
        error = (await admin.delete_topics([own]))[own]
        if error is not None:
            click.echo(f"topic {own} could not be deleted: {error}", err=True)
