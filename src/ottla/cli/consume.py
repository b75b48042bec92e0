"""`ottla consume`: records of topics to stdout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.problems import USAGE, Problem
from ottla.cli.target import Target, client_settings, on_cluster, target_options

if TYPE_CHECKING:
    from ottla.cli.offset_grammar import OffsetRange

VALUE_LINE = r"%v\n"
JSON_FORMS = ("json", "jsonl")


class JsonForm(click.Choice[str]):
    """`-o`, where people's fingers may still put an offset."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ottla.cli.offset_grammar import BadOffset, parse_offsets

        if value not in JSON_FORMS:
            try:
                parse_offsets(value, now_ms())
            except BadOffset:
                pass
            else:
                raise Problem(
                    f"-o {value}: that is an offset, and -o says how to print",
                    f"where to read from is said with --offset {value}",
                    USAGE,
                )
        return super().convert(value, param, ctx)


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...", shell_complete=TOPIC_NAMES)
@click.option(
    "--offset",
    "offsets",
    metavar="OFFSETS",
    default="start",
    show_default=True,
    help="Where to start and stop (see below).",
)
@click.option("-o", "--output", type=JsonForm(JSON_FORMS), help="Print one JSON object a line.")
@click.option("-p", "--partitions", multiple=True, metavar="N,N", help="Only these partitions; repeatable.")
@click.option("-n", "--num", "count", type=click.IntRange(1), help="Stop after this many records.")
@click.option("-e", "--exit", "to_end", is_flag=True, help="Stop at the end of now, as --offset START:end.")
@click.option(
    "-f", "--format", "template", metavar="TEMPLATE", help=r"How to print a record [default: '%v\n']."
)
@click.option("-g", "--group", metavar="NAME", help="Be a member of this group, and commit what was printed.")
@click.option("-r", "--regex", "is_pattern", is_flag=True, help="TOPIC is a pattern (RE2) over whole names.")
@click.option("--read-committed", is_flag=True, help="Leave records of open and aborted transactions out.")
@target_options
def consume(
    topics: tuple[str, ...],
    offsets: str,
    output: str | None,
    partitions: tuple[str, ...],
    count: int | None,
    to_end: bool,
    template: str | None,
    group: str | None,
    is_pattern: bool,
    read_committed: bool,
    target: Target,
) -> int:
    r"""Print records of topics, and wait for more until Ctrl-C.

    \b
    ottla consume orders -n 10
    ottla consume orders --offset end -f '%p:%o %k %v\n'
    ottla consume orders --offset @-15m:end -o json | jq .value
    ottla consume --regex 'orders-.*'
    ottla consume orders --group audit         goes on where the group is; --offset: where a new one begins

    \b
    Offsets: start, end, N, +N (after the start), -N (before the end), A:B, N:, :N, :end,
    @TIME, @T1:T2, @:T2. Times: 2026-11-22, 2026-11-22T10:00:00Z, seconds or ms since 1970, -15m, -24h.

    \b
    Templates: %t topic, %p partition, %o offset, %k key, %v value, %K %V lengths, %h{%k=%v } headers,
    %H how many, %T timestamp (ms), %d{%FT%TZ} strftime, %e leader epoch, %x %y producer, %i running number,
    %k{hex} %v{base64} %v{json}; \n \t \xHH, %%.
    """
    if output and template:
        raise click.UsageError("-f and -o json are two ways to print a record: give one of them")
    if is_pattern and len(topics) > 1:
        raise click.UsageError("--regex takes one pattern: join several with |")
    from ottla.cli.printing import Wanted, read, read_as_member
    from ottla.cli.showing import compiled, json_line
    from ottla.client.settings import ConsumerSettings

    found = offset_range(offsets, to_end=to_end)
    wanted = Wanted(
        topics,
        parse_partitions(partitions),
        found,
        count,
        json_line if output else compiled(template or VALUE_LINE),
        is_pattern,
    )
    defaults = (
        {"auto.offset.reset": "none"} if group is None else member_defaults(group, found, wanted.partitions)
    )
    if read_committed:
        target = target._replace(extra=(*target.extra, "isolation.level=read_committed"))
    settings = client_settings(target, ConsumerSettings, defaults)
    try:
        on_cluster(settings, lambda cluster: (read if group is None else read_as_member)(cluster, wanted))
    except KeyboardInterrupt:  # how an endless reading ends
        pass
    return 0


# -- the command line


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def offset_range(text: str, *, to_end: bool) -> OffsetRange:
    """Raises UsageError."""
    from ottla.cli.offset_grammar import AtEnd
    from ottla.cli.reading_range import range_option

    found = range_option(text, "--offset")
    return found._replace(stop=AtEnd()) if to_end and found.stop is None else found


def parse_partitions(texts: tuple[str, ...]) -> frozenset[int] | None:
    try:
        return frozenset(int(part) for text in texts for part in text.split(",")) or None
    except ValueError:
        raise click.UsageError(f"-p {','.join(texts)} is not a list of partition numbers") from None


def member_defaults(group: str, offsets: OffsetRange, partitions: frozenset[int] | None) -> dict[str, str]:
    """Settings of a member. Raises UsageError for what a group decides itself."""
    from ottla.cli.offset_grammar import AtEnd, AtStart

    if partitions is not None:
        raise click.UsageError("-p and --group: the group shares the partitions out")
    start, stop = offsets
    plain = (isinstance(start, AtStart) and not start.plus) or (isinstance(start, AtEnd) and not start.minus)
    if not plain or not (stop is None or (isinstance(stop, AtEnd) and not stop.minus)):
        raise click.UsageError(
            "--offset and --group: a group goes on where it is; only start or end can be said"
        )
    begin = "earliest" if isinstance(start, AtStart) else "latest"
    return {
        "group.id": group,
        "auto.offset.reset": begin,
        "enable.auto.commit": "false",
        "allow.auto.create.topics": "false",
    }
