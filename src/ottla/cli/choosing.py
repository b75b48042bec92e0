"""Which partitions a command means: `--topic NAME` or `--topic NAME:0,3`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ottla.cli.problems import NOT_FOUND, Problem

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition


F = TypeVar("F", bound=Callable[..., Any])


def topics_option(help_text: str, *, required: bool = False) -> Callable[[F], F]:
    return click.option(
        "--topic", "topics", multiple=True, required=required, metavar="NAME[:P,P]", help=help_text
    )


def parse_topics(texts: Iterable[str]) -> dict[str, frozenset[int] | None]:
    """Topic -> the partitions meant, None: all of them. Raises UsageError."""
    found: dict[str, frozenset[int] | None] = {}
    for text in texts:
        name, colon, numbers = text.partition(":")
        if not name:
            raise click.UsageError(f"{text!r} names no topic")
        if not colon:
            found[name] = None
            continue
        parts = numbers.split(",")
        if not all(each.isascii() and each.isdigit() for each in parts):
            raise click.UsageError(f"{text!r} is not like NAME or NAME:0,3")
        before = found.get(name, frozenset())
        found[name] = None if before is None else before | {int(each) for each in parts}
    return found


async def named_partitions(
    cluster: Cluster, topics: Mapping[str, frozenset[int] | None]
) -> list[TopicPartition]:
    """All that are meant, topic by topic. Raises Problem for a topic or partition that is not there."""
    from ottla.cli.topic.missing import refused_topic
    from ottla.core.model.errors import KafkaError

    found: list[TopicPartition] = []
    for name, numbers in topics.items():
        try:
            view = await cluster.topic(name, timeout=0)
        except KafkaError as error:
            raise await refused_topic(cluster, name, error) from error
        for partition in sorted(view.partitions if numbers is None else numbers):
            if partition not in view.partitions:
                raise Problem(
                    f"topic {name} has no partition {partition}, it has {len(view.partitions)}",
                    f"`ottla topic describe {name}` shows them.",
                    NOT_FOUND,
                )
            found.append((name, partition))
    return found
