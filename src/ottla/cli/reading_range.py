"""From the offset grammar to offsets: what start, end and times mean in each partition right now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ottla.cli.offset_grammar import (
    AtEnd,
    AtOffset,
    AtStart,
    AtTime,
    BadOffset,
    OffsetRange,
    Point,
    parse_offsets,
)
from ottla.client.offsets import TopicPartition, end_offsets, list_offsets, or_end, start_offsets

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster


def range_option(text: str, option: str) -> OffsetRange:
    """What an option says in the grammar. Raises UsageError."""
    try:
        return parse_offsets(text, time.time_ns() // 1_000_000)
    except BadOffset as error:
        raise click.UsageError(f"{option} {text}: {error}") from error


def point_option(text: str, option: str) -> Point:
    """One point, no range. Raises UsageError."""
    found = range_option(text, option)
    if found.stop is not None:
        raise click.UsageError(f"{option} {text}: a range is no point")
    return found.start


async def resolve_range(
    cluster: Cluster, partitions: list[TopicPartition], wanted: OffsetRange
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """(starts, stops): where to begin, and the first offset not to read where there is one.

    Partitions that have nothing between the two are left out.
    """
    oldest = await start_offsets(cluster, partitions)
    ends = await end_offsets(cluster, partitions)
    starts = await resolve(cluster, wanted.start, oldest, ends)
    if wanted.stop is None:
        return starts, {}
    stops = await resolve(cluster, wanted.stop, oldest, ends)
    starts = {partition: start for partition, start in starts.items() if start < stops[partition]}
    return starts, {partition: stops[partition] for partition in starts}


async def resolve(
    cluster: Cluster, point: Point, oldest: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """One point in every partition."""
    if isinstance(point, AtStart):
        return {partition: offset + point.plus for partition, offset in oldest.items()}
    if isinstance(point, AtEnd):
        return {partition: max(oldest[partition], end - point.minus) for partition, end in ends.items()}
    if isinstance(point, AtOffset):
        return dict.fromkeys(oldest, point.offset)
    assert isinstance(point, AtTime)
    found = await list_offsets(cluster, dict.fromkeys(oldest, point.timestamp))
    return {partition: or_end(each, ends[partition]) for partition, each in found.items()}
