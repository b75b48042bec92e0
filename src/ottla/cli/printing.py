"""Reading records and printing them: of partitions from here to there, or as a member of a group."""

from __future__ import annotations

import errno
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ottla.cli.choosing import named_partitions
from ottla.cli.offset_grammar import AtEnd, OffsetRange
from ottla.cli.problems import NOT_FOUND, Problem
from ottla.cli.reading_range import resolve_range
from ottla.cli.template import Shown
from ottla.client.consuming.consumer import Consumer
from ottla.client.offsets import end_offsets

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.fetched import Fetched
    from ottla.client.offsets import TopicPartition

POLL_MS = 500


class Wanted(msgspec.Struct, frozen=True):
    """What to read, and how to show it. `is_pattern`: the one topic is a pattern over all names."""

    topics: tuple[str, ...]
    partitions: frozenset[int] | None
    offsets: OffsetRange
    count: int | None
    show: Callable[[Shown], bytes]
    is_pattern: bool = False


class Printer:
    """Records to stdout, up to a count."""

    def __init__(self, wanted: Wanted) -> None:
        self._show = wanted.show
        self._left = wanted.count
        self._printed = 0
        self._out = sys.stdout.buffer

    @property
    def is_done(self) -> bool:
        return self._left == 0

    def print(self, fetched: Fetched, stop: int | None = None) -> int:
        """The records of one answer, up to `stop` and the count. Returns the offset to go on from."""
        pieces: list[bytes] = []
        next_offset = fetched.next_offset
        for batch in fetched.batches:
            for record in batch.records():
                if (stop is not None and record.offset >= stop) or len(pieces) == self._left:
                    self._write(pieces)
                    return record.offset
                number = self._printed + len(pieces) + 1
                pieces.append(
                    self._show(Shown(fetched.topic, fetched.partition, record, batch.header, number))
                )
        self._write(pieces)
        return next_offset

    def _write(self, pieces: list[bytes]) -> None:
        self._out.write(b"".join(pieces))
        self._printed += len(pieces)
        if self._left is not None:
            self._left -= len(pieces)

    def flush(self) -> None:
        """Raises BrokenPipeError when nobody reads any more."""
        self._out.flush()
        if reader_has_gone():
            raise BrokenPipeError(errno.EPIPE, "the reader of stdout has gone")


async def read(cluster: Cluster, wanted: Wanted) -> None:
    """Print until everything wanted was printed. Raises KafkaError, ClientError, Problem."""
    names = await matching(cluster, wanted.topics[0]) if wanted.is_pattern else wanted.topics
    chosen = await named_partitions(cluster, dict.fromkeys(names, wanted.partitions))
    starts, stops = await resolve_range(cluster, chosen, wanted.offsets)
    left: set[TopicPartition] = set(starts)
    printer = Printer(wanted)
    async with Consumer(cluster=cluster) as consumer:
        consumer.assign(starts)
        while left:
            for fetched in await consumer.poll(POLL_MS):
                key = (fetched.topic, fetched.partition)
                if key not in left:
                    continue
                stop = stops.get(key)
                printer.print(fetched, stop)
                if printer.is_done:
                    left.clear()
                    break
                if stop is not None and fetched.next_offset >= stop:
                    left.discard(key)
                    consumer.assign(left)
            printer.flush()


async def read_as_member(cluster: Cluster, wanted: Wanted) -> None:
    """Print what the group has not read yet, and commit what was printed. Raises KafkaError, ClientError."""
    printer = Printer(wanted)
    to_end = isinstance(wanted.offsets.stop, AtEnd)
    if not wanted.is_pattern:
        await named_partitions(cluster, dict.fromkeys(wanted.topics))
    elif to_end:  # without an end it waits for topics that are yet to come
        await matching(cluster, wanted.topics[0])
    async with Consumer(cluster=cluster) as consumer:
        if wanted.is_pattern:
            consumer.subscribe(pattern=wanted.topics[0])
        else:
            consumer.subscribe(*wanted.topics)
        while not printer.is_done:
            answers = await consumer.poll(POLL_MS)
            done: dict[TopicPartition, int] = {}
            for fetched in answers:
                if printer.is_done:
                    break
                done[fetched.topic, fetched.partition] = printer.print(fetched)
            printer.flush()
            if done:
                await consumer.commit(done)
            elif to_end and await is_at_end(cluster, consumer):
                return


async def is_at_end(cluster: Cluster, consumer: Consumer) -> bool:
    """Whether all that the group has given us is read."""
    assigned = consumer.assignment
    if not assigned:
        return False
    ends = await end_offsets(cluster, assigned)
    return all([await consumer.position(*each) >= ends[each] for each in assigned])


async def matching(cluster: Cluster, pattern: str) -> tuple[str, ...]:
    """Topics whose whole name matches (RE2), those of the cluster's own left out. Raises KafkaError, Problem."""
    from ottla.client.consuming.subscribing import Subscribed

    names = await Subscribed(pattern=pattern).resolve(cluster, create=False)
    if not names:
        raise Problem(
            f"no topic matches {pattern}", "`ottla topic list` shows the topics there are.", NOT_FOUND
        )
    return tuple(sorted(names))


def reader_has_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more: then waiting for records is in vain."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # no real file: a test reads it
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
