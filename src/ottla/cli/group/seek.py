"""`ottla group seek`: the plan first, then the question, then the undo file, then the change."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click
import msgspec

from ottla.cli.choosing import named_partitions, parse_topics, topics_option
from ottla.cli.explaining import refused
from ottla.cli.group.missing import missing_group
from ottla.cli.group.plan import BadPlan, Move, plan_text, planned, read_plan, shifted
from ottla.cli.lazy import GROUP_NAMES
from ottla.cli.options import confirm, output_option, read_text, yes_option
from ottla.cli.output import print_rows
from ottla.cli.problems import USAGE, Problem, note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.cli.group.kinds import Kind
    from ottla.cli.offset_grammar import Point
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError


class Wanted(msgspec.Struct, frozen=True):
    """Where to: one of a point, a shift, offsets of a file."""

    kind: Kind
    group: str
    topics: dict[str, frozenset[int] | None]
    point: Point | None = None
    shift: int | None = None
    offsets: dict[TopicPartition, int | None] | None = None
    create: bool = False


@click.command()
@click.argument("name", metavar="GROUP", shell_complete=GROUP_NAMES)
@click.option("--to", "point", metavar="POINT", help="start, end, N, +N, -N, @TIME or @-15m (see below).")
@click.option(
    "--shift", type=int, metavar="N", help="N records on from what is committed; back, when negative."
)
@click.option("--file", "path", metavar="FILE", help="Lines of topic,partition,offset; an undo file is one.")
@topics_option("Only this topic, or some partitions of it; repeatable [default: all that is committed].")
@click.option("--create", is_flag=True, help="The group need not be there yet.")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option(
    "--undo-file",
    metavar="FILE",
    help="Where to write what was committed before [default: a name of its own].",
)
@yes_option
@output_option("table", "json", "jsonl", "yaml")
@target_options
@click.pass_obj
def seek(
    kind: Kind,
    name: str,
    point: str | None,
    shift: int | None,
    path: str | None,
    topics: tuple[str, ...],
    create: bool,
    dry_run: bool,
    undo_file: str | None,
    yes: bool,
    output: str,
    target: Target,
) -> int:
    """Move what a group has committed. The group must have no members.

    Shows the plan, asks, writes a file that takes it back, and then commits.

    \b
    ottla group seek billing --to start --topic orders --dry-run
    ottla group seek billing --to @2026-11-22T10:00:00Z
    ottla group seek billing --to @-15m          what came in the last 15 minutes, again
    ottla group seek billing --shift -100 --topic orders:0,3 -y
    ottla group seek billing --file undo-billing-20261122T100000.csv

    \b
    Points: start, end, N (offset N), +N (N after the start), -N (N before the end),
    @TIME: a date, an RFC 3339 moment, seconds or ms since 1970, or -15m, -24h, -7d before now.
    """
    if sum(each is not None for each in (point, shift, path)) != 1:
        raise click.UsageError("say where to with one of --to, --shift and --file")
    if path is not None and topics:
        raise click.UsageError("--file names its partitions itself: leave --topic out")
    from ottla.cli.reading_range import point_option

    wanted = Wanted(
        kind,
        name,
        parse_topics(topics),
        point_option(point, "--to") if point is not None else None,
        shift,
        offsets_in(path) if path is not None else None,
        create,
    )
    moves = ask(target, lambda cluster: plan(cluster, wanted))
    print_rows(
        [each.row() for each in moves],
        output,
        columns=("topic", "partition", "current", "new", "change", "note"),
    )
    changing = [each for each in moves if each.before != each.after]
    if dry_run or not changing:
        note("nothing was changed: --dry-run" if dry_run else f"group {name} stands there already")
        return 0
    confirm(f"Move {len(changing)} partitions of group {name}?", yes=yes)
    written = write_undo(undo_file or undo_name(name), changing)
    errors = ask(target, lambda cluster: carry_out(cluster, kind, name, changing))
    return told(kind, name, errors, written)


def offsets_in(path: str) -> dict[TopicPartition, int | None]:
    """Raises Problem."""
    try:
        return read_plan(read_text(path))
    except BadPlan as error:
        raise Problem(f"{path}, {error}", "each line is topic,partition,offset.", USAGE) from error


# -- the plan


async def plan(cluster: Cluster, wanted: Wanted) -> list[Move]:
    """Raises Problem for a group that is not there or has members, KafkaError, ClientError."""
    from ottla.cli.log_ends import log_ends, log_starts
    from ottla.cli.reading_range import resolve

    committed = await committed_by(cluster, wanted)
    if wanted.offsets is not None:
        named: dict[str, frozenset[int] | None] = {}
        for topic, partition in (key for key, offset in wanted.offsets.items() if offset is not None):
            named[topic] = (named.get(topic) or frozenset()) | {partition}
        await named_partitions(cluster, named)
        partitions = list(wanted.offsets)
    elif wanted.topics:
        partitions = await named_partitions(cluster, wanted.topics)
    else:
        partitions = sorted(committed)
        await cluster.refresh({topic for topic, _ in partitions})
    if not partitions:
        raise Problem(f"group {wanted.group} has committed nothing", "name topics with --topic.", USAGE)
    starts, ends = await log_starts(cluster, partitions), await log_ends(cluster, partitions)
    if wanted.offsets is not None:
        goals = wanted.offsets
    elif wanted.shift is not None:
        goals, without = shifted(partitions, committed, wanted.shift)
        if without:
            raise Problem(
                f"nothing is committed for {', '.join(f'{topic}:{part}' for topic, part in without)}",
                "there is nothing to shift: use --to.",
                USAGE,
            )
    else:
        assert wanted.point is not None
        away = [key for key in partitions if key not in starts or key not in ends]
        if away:
            raise Problem(
                f"nobody says where {', '.join(f'{topic}:{part}' for topic, part in away)} begins and ends",
                "the topic is gone, or the partition has no leader: leave it out with --topic.",
            )
        goals = dict(await resolve(cluster, wanted.point, starts, ends))
    return planned(goals, committed, starts, ends)


async def committed_by(cluster: Cluster, wanted: Wanted) -> dict[TopicPartition, int]:
    """What the group has committed. Raises Problem when it is not there, or has members."""
    from ottla.core.model.errors import ErrorCode, KafkaError

    members = (await wanted.kind.members(cluster, [wanted.group]))[wanted.group]
    if isinstance(members, KafkaError):
        if members.code != ErrorCode.GROUP_ID_NOT_FOUND:
            raise members
        if not wanted.create:
            raise await missing_group(cluster, wanted.group)
        return {}
    if members:
        raise Problem(
            f"group {wanted.group} has {len(members)} members ({', '.join(sorted(set(members))[:3])})",
            "stop them first: members go on from where they are, and commit over what you set.",
        )
    return await wanted.kind.committed(cluster, wanted.group)


# -- doing it


def undo_name(group: str) -> str:
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in group)[:100]
    return f"undo-{plain}-{time.strftime('%Y%m%dT%H%M%S')}.csv"


def write_undo(path: str, moves: list[Move]) -> str:
    """Write what was committed before, to the disk. Raises Problem: then nothing has been changed."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(plan_text({each.key: each.before for each in moves}))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Problem(
            f"cannot write {path}: {error.strerror}, so nothing was changed",
            "name another place for the undo file with --undo-file.",
        ) from error
    return path


async def carry_out(
    cluster: Cluster, kind: Kind, group: str, moves: list[Move]
) -> dict[TopicPartition, KafkaError | None]:
    errors: dict[TopicPartition, KafkaError | None] = {}
    kept = {each.key: each.after for each in moves if each.after is not None}
    if kept:
        errors |= await kind.commit(cluster, group, kept)
    dropped = [each.key for each in moves if each.after is None]
    if dropped:
        errors |= await kind.forget(cluster, group, dropped)
    return errors


def told(kind: Kind, group: str, errors: dict[TopicPartition, KafkaError | None], undo: str) -> int:
    code = 0
    for (topic, partition), error in errors.items():
        if error is not None:
            code = refused(f"{topic}:{partition}", error)
    done = sum(error is None for error in errors.values())
    note(
        f"moved {done} partitions of group {group}; take it back with: ottla {kind.command} seek {group} --file {undo}"
    )
    return code
