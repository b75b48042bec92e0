"""`ottla produce`: lines of stdin become records."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click
import msgspec

from ottla.cli.problems import USAGE, Problem, note
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.cli.line_template import Draft, LineTemplate
    from ottla.client.cluster import Cluster
    from ottla.client.producing.delivery import Delivered
    from ottla.client.producing.producer import Producer

BATCH_SIZE = "131072"
"""A pipe fills batches faster than Kafka's default of 16 kB serves."""


class Reading(msgspec.Struct, frozen=True):
    """How lines become records, and where these go."""

    topic: str | None
    template: LineTemplate | None
    key: bytes | None
    key_delimiter: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    partition: int | None
    delimiter: bytes
    tombstones: bool


class Tally(msgspec.Struct):
    """What became of the records so far."""

    form: str | None
    delivered: int = 0
    failed: int = 0
    error: Exception | None = None

    def take(self, delivered: Delivered) -> None:
        """One batch has ended."""
        if delivered.error is not None:
            self.failed += delivered.count
            self.error = self.error or delivered.error
            return
        self.delivered += delivered.count
        if self.form:
            row = {
                "topic": delivered.topic,
                "partition": delivered.partition,
                "base_offset": delivered.base_offset if delivered.base_offset >= 0 else None,
                "count": delivered.count,
            }
            click.echo(msgspec.json.encode(row).decode())


@click.command()
@click.argument("topic", required=False)
@click.option("-k", "--key", help="The same key for every record.")
@click.option("-K", "--key-delimiter", metavar="TEXT", help="A line holds key TEXT value.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; repeatable.")
@click.option("-p", "--partition", type=click.IntRange(0), help="One partition for every record.")
@click.option(
    "-z",
    "--compression",
    type=click.Choice(("none", "gzip", "snappy", "lz4", "zstd")),
    help="Compress batches [default: none].",
)
@click.option(
    "--acks", type=click.Choice(("0", "1", "all", "-1")), help="Whose word to wait for [default: all]."
)
@click.option(
    "-f", "--format", "template", metavar="TEMPLATE", help=r"How a line reads, e.g. '%k:%v' (see below)."
)
@click.option("-D", "--delimiter", default="\\n", show_default=True, help="What ends a record.")
@click.option(
    "-Z", "--tombstone", "tombstones", is_flag=True, help="An empty value is a null: it deletes its key."
)
@click.option("-o", "--output", type=click.Choice(("jsonl",)), help="Print every delivered batch.")
@target_options
def produce(
    topic: str | None,
    key: str | None,
    key_delimiter: str | None,
    headers: tuple[str, ...],
    partition: int | None,
    compression: str | None,
    acks: str | None,
    template: str | None,
    delimiter: str,
    tombstones: bool,
    output: str | None,
    target: Target,
) -> int:
    r"""Write lines of stdin to TOPIC, a record each.

    \b
    echo hello | ottla produce orders
    echo '42:{"id": 42}' | ottla produce orders -K :
    printf 'a\tx=1\thello\n' | ottla produce orders -f '%k\t%h{%k=%v}\t%v'

    \b
    Templates: %k key, %v value, %h{%k=%v} a header (repeat it for more), %t topic, %p partition, %T timestamp
    in ms; the text between them divides the line. %k{hex} and %v{base64} decode. Escapes: \n \t \xHH, %%.
    """
    reading = Reading(
        topic,
        compiled(template, topic, key_delimiter),
        key.encode() if key is not None else None,
        unescaped(key_delimiter) if key_delimiter else None,
        tuple(parse_header(header) for header in headers),
        partition,
        unescaped(delimiter),
        tombstones,
    )
    chosen = {"compression.type": compression, "acks": acks}
    flags = tuple(f"{name}={value}" for name, value in chosen.items() if value is not None)
    from ottla.client.settings import ProducerSettings

    target = target._replace(extra=(*target.extra, *flags))
    settings = client_settings(target, ProducerSettings, {"batch.size": BATCH_SIZE})
    tally = Tally(output)
    on_cluster(settings, lambda cluster: pump(cluster, reading, tally))
    if sys.stderr.isatty():
        note(f"{tally.delivered} record{'s' * (tally.delivered != 1)} delivered")
    return 0


def compiled(template: str | None, topic: str | None, key_delimiter: str | None) -> LineTemplate | None:
    """The input template, if there is one. Raises UsageError."""
    if template is None:
        if topic is None:
            raise click.UsageError("name a topic")
        return None
    from ottla.cli.line_template import LineTemplate
    from ottla.cli.template import BadTemplate

    if key_delimiter:
        raise click.UsageError("-K and -f both say where the key ends: give one of them")
    try:
        found = LineTemplate(template)
    except BadTemplate as error:
        raise click.UsageError(f"-f {template!r}: {error}") from error
    if topic is None and not any(field.verb == "t" for field in found.fields):
        raise click.UsageError("name a topic, or read it from each line with %t")
    return found


def unescaped(text: str) -> bytes:
    r"""`\t`, `\n`, `\xHH` as the bytes they stand for. Raises UsageError."""
    from ottla.cli.template import BadTemplate, tokens

    try:
        found = tokens(text.replace("%", "%%"))
    except BadTemplate as error:
        raise click.UsageError(str(error)) from error
    if not found:
        raise click.UsageError("a delimiter may not be empty")
    return b"".join(token for token in found if isinstance(token, bytes))


def parse_header(text: str) -> tuple[str, bytes | None]:
    """`name=value` or `name:value`, whichever comes first; a name alone has a null value."""
    for index, letter in enumerate(text):
        if letter in "=:":
            return text[:index], text[index + 1 :].encode()
    return text, None


async def pump(cluster: Cluster, reading: Reading, tally: Tally) -> None:
    """Read, send, and wait for all of it. Raises what the first failed batch failed with."""
    from ottla.client.producing.producer import Producer

    async with Producer(cluster, on_delivery=tally.take) as producer:
        number = 0
        async for line in lines(reading.delimiter, producer.settings.max_request_size):
            number += 1
            await send(producer, reading, draft_of(reading, line, number))
            if tally.error is not None:
                break
    if tally.error is not None:
        note(f"{tally.delivered} records delivered, {tally.failed} failed")
        raise tally.error


async def send(producer: Producer, reading: Reading, draft: Draft) -> None:
    topic = draft.topic or reading.topic
    assert topic is not None, "the command line names a topic or reads one"
    value = None if reading.tombstones and not draft.value else draft.value
    await producer.send(
        topic,
        value,
        key=reading.key if draft.key is None else draft.key,
        headers=(*reading.headers, *draft.headers),
        partition=reading.partition if draft.partition is None else draft.partition,
        timestamp=draft.timestamp,
    )


def draft_of(reading: Reading, line: bytes, number: int) -> Draft:
    """One line as a record. Raises Problem, naming the line."""
    from ottla.cli.line_template import BadLine, Draft

    if reading.template is not None:
        try:
            return reading.template.read(line)
        except BadLine as error:
            raise Problem(
                f"line {number}: {error}", "the template given by -f does not fit it.", USAGE
            ) from error
    if reading.key_delimiter is None:
        return Draft(value=line, headers=[])
    key, found, value = line.partition(reading.key_delimiter)
    if not found:
        delimiter = reading.key_delimiter.decode("utf-8", "replace")
        raise Problem(f"line {number} has no {delimiter!r}", "-K names what divides key and value.", USAGE)
    return Draft(key=key, value=value, headers=[])


async def lines(delimiter: bytes, longest: int) -> AsyncIterator[bytes]:
    """What stdin holds, cut at the delimiter; the last piece needs none. Raises Problem for an endless line."""
    from ottla.cli.running import stdin_chunks

    rest = b""
    async for chunk in stdin_chunks():
        *whole, rest = (rest + chunk).split(delimiter)
        for line in whole:
            yield line
        if len(rest) > longest:
            raise Problem(
                f"a line is longer than max.request.size={longest}",
                "-X max.request.size allows longer ones.",
                USAGE,
            )
    if rest:
        yield rest
