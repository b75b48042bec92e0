"""`ottla consume`: records of topics to stdout."""

from __future__ import annotations

import errno
import select
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ottla.cli.options import client_settings, connection_options, on_cluster
from ottla.cli.problems import NOT_FOUND, Problem

if TYPE_CHECKING:
    from ottla.cli.offset_grammar import OffsetRange
    from ottla.cli.template import Shown
    from ottla.client.cluster import Cluster
    from ottla.client.consumer import PartitionConsumer
    from ottla.client.fetched import Fetched

POLL_MS = 500
VALUE_LINE = r"%v\n"
JSON_FORMS = ("json", "jsonl")


class Wanted(msgspec.Struct, frozen=True):
    """What to read, and how to show it."""

    topics: tuple[str, ...]
    partitions: frozenset[int] | None
    offsets: OffsetRange
    count: int | None
    show: Callable[[Shown], bytes]


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option(
    "-o",
    "offsets_or_output",
    multiple=True,
    metavar="OFFSETS|json",
    help="Where to start and stop (see below), or json for one object a line.  [default: start]",
)
@click.option("--offset", "offsets", metavar="OFFSETS", help="Where to start and stop: -o spelled out.")
@click.option("--output", type=click.Choice(JSON_FORMS), help="Print JSON: -o json spelled out.")
@click.option("-p", "--partitions", multiple=True, metavar="N,N", help="Only these partitions; repeatable.")
@click.option("-n", "--num", "count", type=click.IntRange(1), help="Stop after this many records.")
@click.option("-e", "--exit", "to_end", is_flag=True, help="Stop at the end of now, as -o START:end.")
@click.option(
    "-f", "--format", "template", metavar="TEMPLATE", help=r"How to print a record [default: '%v\n']."
)
@click.option("--read-committed", is_flag=True, help="Leave records of open and aborted transactions out.")
@connection_options
def consume(
    topics: tuple[str, ...],
    offsets_or_output: tuple[str, ...],
    offsets: str | None,
    output: str | None,
    partitions: tuple[str, ...],
    count: int | None,
    to_end: bool,
    template: str | None,
    read_committed: bool,
    bootstrap: str | None,
    extra: tuple[str, ...],
    config_file: str | None,
) -> int:
    r"""Print records of topics, and wait for more until Ctrl-C.

    \b
    ottla consume orders -n 10
    ottla consume orders -o end -f '%p:%o %k %v\n'
    ottla consume orders -o @-15m:end -o json | jq .value

    \b
    Offsets: start, end, N, +N (after the start), -N (before the end), A:B, N:, :N, :end,
    @TIME, @T1:T2, @:T2. Times: 2026-11-22, 2026-11-22T10:00:00Z, seconds or ms since 1970, -15m, -24h.

    \b
    Templates: %t topic, %p partition, %o offset, %k key, %v value, %K %V lengths, %h{%k=%v } headers,
    %H how many, %T timestamp (ms), %d{%FT%TZ} strftime, %e leader epoch, %x %y producer, %i running number,
    %k{hex} %v{base64} %v{json}; \n \t \xHH, %%.
    """
    where, form = sort_out(offsets_or_output, offsets, output)
    if form and template:
        raise click.UsageError("-f and -o json are two ways to print a record: give one of them")
    wanted = Wanted(
        topics,
        parse_partitions(partitions),
        offset_range(where, to_end=to_end),
        count,
        json_line if form else compiled(template or VALUE_LINE),
    )
    isolation = ("isolation.level=read_committed",) if read_committed else ()
    settings = client_settings(bootstrap, ("auto.offset.reset=none", *extra, *isolation), config_file)
    try:
        on_cluster(settings, lambda cluster: read(cluster, wanted))
    except KeyboardInterrupt:  # how an endless reading ends
        pass
    return 0


# -- the command line


def sort_out(either: tuple[str, ...], offsets: str | None, output: str | None) -> tuple[str, str | None]:
    """`-o` takes both: words of output are no offsets. Raises UsageError when one of them is said twice."""
    forms = [text for text in either if text in JSON_FORMS] + ([output] if output else [])
    places = [text for text in either if text not in JSON_FORMS] + ([offsets] if offsets else [])
    if len(forms) > 1 or len(places) > 1:
        raise click.UsageError("-o says where to read, and how to print, once each")
    return (places[0] if places else "start"), (forms[0] if forms else None)


def offset_range(text: str, *, to_end: bool) -> OffsetRange:
    """Raises UsageError."""
    from ottla.cli.offset_grammar import AtEnd, BadOffset, parse_offsets

    try:
        found = parse_offsets(text, time.time_ns() // 1_000_000)
    except BadOffset as error:
        raise click.UsageError(f"-o {text}: {error}") from error
    return found._replace(stop=AtEnd()) if to_end and found.stop is None else found


def parse_partitions(texts: tuple[str, ...]) -> frozenset[int] | None:
    try:
        return frozenset(int(part) for text in texts for part in text.split(",")) or None
    except ValueError:
        raise click.UsageError(f"-p {','.join(texts)} is not a list of partition numbers") from None


def compiled(template: str) -> Callable[[Shown], bytes]:
    """Raises UsageError."""
    from ottla.cli.template import BadTemplate, compile_template

    try:
        return compile_template(template)
    except BadTemplate as error:
        raise click.UsageError(f"-f {template!r}: {error}") from error


def json_line(shown: Shown) -> bytes:
    """A record as one JSON object. Bytes that are not UTF-8 come as base64 under `key_base64`, `value_base64`."""
    record = shown.record
    row: dict[str, Any] = {
        "topic": shown.topic,
        "partition": shown.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        **text_or_base64("key", record.key),
        **text_or_base64("value", record.value),
        "headers": [
            {"name": name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")}
            | text_or_base64("value", value)
            for name, value in record.headers
        ],
    }
    return msgspec.json.encode(row) + b"\n"


def text_or_base64(name: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": content}  # msgspec writes bytes as base64


# -- reading


async def read(cluster: Cluster, wanted: Wanted) -> None:
    """Print until everything wanted was printed. Raises KafkaError, ClientError, Problem."""
    from ottla.cli.reading_range import resolve_range
    from ottla.client.consumer import PartitionConsumer

    chosen = await chosen_partitions(cluster, wanted)
    starts, stops = await resolve_range(cluster, chosen, wanted.offsets)
    consumer = PartitionConsumer(cluster)
    consumer.assign(starts)
    try:
        await print_all(consumer, wanted, stops, set(starts))
    finally:
        consumer.close()


async def chosen_partitions(cluster: Cluster, wanted: Wanted) -> list[tuple[str, int]]:
    """The partitions to read. Raises KafkaError for a missing topic, Problem for a missing partition."""
    chosen: list[tuple[str, int]] = []
    for name in wanted.topics:
        view = await cluster.topic(name, timeout=0)
        for partition in sorted(wanted.partitions or view.partitions):
            if partition not in view.partitions:
                raise Problem(
                    f"topic {name} has no partition {partition}, it has {len(view.partitions)}",
                    f"`ottla topic describe {name}` shows them.",
                    NOT_FOUND,
                )
            chosen.append((name, partition))
    return chosen


async def print_all(
    consumer: PartitionConsumer,
    wanted: Wanted,
    stops: dict[tuple[str, int], int],
    open_partitions: set[tuple[str, int]],
) -> None:
    """Poll and print, until all partitions have reached their stop or the count is full."""
    out = sys.stdout.buffer
    printed = 0
    while open_partitions:
        for fetched in await consumer.poll(POLL_MS):
            key = (fetched.topic, fetched.partition)
            if key not in open_partitions:
                continue
            stop = stops.get(key)
            pieces = shown_pieces(fetched, wanted, stop, printed)
            out.write(b"".join(pieces))
            printed += len(pieces)
            if printed == wanted.count:
                open_partitions.clear()
                break
            if stop is not None and fetched.next_offset >= stop:
                open_partitions.discard(key)
                consumer.unassign([key])
        out.flush()
        if reader_has_gone():
            raise BrokenPipeError(errno.EPIPE, "the reader of stdout has gone")


def shown_pieces(fetched: Fetched, wanted: Wanted, stop: int | None, printed: int) -> list[bytes]:
    """The records of one answer as they are printed, up to the stop and the count."""
    from ottla.cli.template import Shown

    pieces: list[bytes] = []
    left = None if wanted.count is None else wanted.count - printed
    for batch in fetched.batches:
        for record in batch.records():
            if (stop is not None and record.offset >= stop) or len(pieces) == left:
                return pieces
            number = printed + len(pieces) + 1
            pieces.append(wanted.show(Shown(fetched.topic, fetched.partition, record, batch.header, number)))
    return pieces


def reader_has_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more: then waiting for records is in vain."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # no real file: a test reads it
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
