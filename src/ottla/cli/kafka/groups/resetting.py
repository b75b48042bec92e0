"""`--reset-offsets` of `kafka-consumer-groups`: what groups would commit, and committing it."""

from __future__ import annotations

import csv
import io
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ottla.cli.choosing import named_partitions, parse_topics
from ottla.cli.group.kinds import CONSUMERS
from ottla.cli.group.plan import planned, read_plan, shifted
from ottla.cli.offset_grammar import AtTime, BadOffset, parse_moment
from ottla.cli.options import read_text

if TYPE_CHECKING:
    from ottla.cli.kafka.options import Given, Options
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition

Goals: TypeAlias = "dict[TopicPartition, int]"

SCENARIOS: Final = (
    ("to-offset", "offset", "Reset to an offset."),
    ("from-file", "file", "Reset to the offsets of a CSV file."),
    ("to-datetime", "datetime", "Reset to a moment: YYYY-MM-DDTHH:mm:SS.sss."),
    ("by-duration", "duration", "Reset to so long before now: PnDTnHnMnS."),
    ("to-earliest", None, "Reset to the start."),
    ("to-latest", None, "Reset to the end."),
    ("to-current", None, "Reset to what is committed."),
    ("shift-by", "offsets", "Reset by so many records, back when negative."),
)
STILL: Final = ("Empty", "Dead")
DURATION: Final = re.compile(
    r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?", re.IGNORECASE
)
DAY_S, HOUR_S, MINUTE_S = 86_400, 3_600, 60


async def plans(cluster: Cluster, given: Given, groups: Sequence[str], options: Options) -> dict[str, Goals]:
    """Group -> what it commits. Groups with members are told of, and left out. With --execute it is committed.

    Raises Ended for a scenario that is missing, ValueError, KafkaError, ClientError.
    """
    from ottla.client.admin.groups import GroupDescription, Groups
    from ottla.core.model.errors import ErrorCode

    if not any(name in given for name, _, _ in SCENARIOS):
        names = ", ".join(f"[{name}]" for name, _, _ in SCENARIOS)
        options.refuse(f"Option '[reset-offsets]' requires one of the following scenarios: [{names}]")
    found: dict[str, Goals] = {}
    for name, each in (await Groups(cluster).describe_groups(groups)).items():
        if isinstance(each, GroupDescription):
            if each.state not in STILL:
                sys.stdout.write(
                    f"\nError: Assignments can only be reset if the group '{name}' is inactive, but the current "
                    f"state is {each.state}.\n"
                )
                found[name] = {}
                continue
        elif each.code is not ErrorCode.GROUP_ID_NOT_FOUND:
            raise each
        found[name] = await goals_of(cluster, given, name, options)
    if "execute" in given:
        for name, goals in found.items():
            if goals:
                for error in (await CONSUMERS.commit(cluster, name, goals)).values():
                    if error is not None:
                        raise error
    return found


async def goals_of(cluster: Cluster, given: Given, group: str, options: Options) -> Goals:
    from ottla.cli.log_ends import log_ends, log_starts

    committed = await CONSUMERS.committed(cluster, group)
    from_file = file_goals(given, group)
    if from_file is not None:
        partitions = list(from_file)
        await cluster.refresh({topic for topic, _ in partitions})
    elif "topic" in given:
        partitions = await named_partitions(cluster, parse_topics(given.all("topic")))
    elif "all-topics" in given:
        partitions = sorted(committed)
        await cluster.refresh({topic for topic, _ in partitions})
    else:
        options.refuse("One of the reset scopes should be defined: [topic], [all-topics].")
    starts, ends = await log_starts(cluster, partitions), await log_ends(cluster, partitions)
    wanted = (
        from_file
        if from_file is not None
        else await wanted_of(cluster, given, partitions, committed, starts, ends)
    )
    moves = planned(wanted, committed, starts, ends)
    return {move.key: move.after for move in moves if move.after is not None}


async def wanted_of(
    cluster: Cluster,
    given: Given,
    partitions: Sequence[TopicPartition],
    committed: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> Mapping[TopicPartition, int | None]:
    """What a scenario asks for. Raises ValueError."""
    from ottla.cli.reading_range import resolve

    if "to-offset" in given:
        return dict.fromkeys(partitions, given.number("to-offset"))
    if "to-earliest" in given:
        return {key: starts[key] for key in partitions}
    if "to-latest" in given:
        return {key: ends[key] for key in partitions}
    if "to-current" in given:
        return {key: committed.get(key, ends[key]) for key in partitions}
    if "shift-by" in given:
        wanted, without = shifted(partitions, committed, given.number("shift-by") or 0)
        if without:
            topic, partition = without[0]
            raise ValueError(
                f"Cannot shift offset for partition {topic}-{partition} since there is no current committed offset"
            )
        return wanted
    moment = (
        datetime_ms(given.one("to-datetime") or "")
        if "to-datetime" in given
        else time.time_ns() // 1_000_000 - duration_ms(given.one("by-duration") or "")
    )
    oldest = {key: starts[key] for key in partitions}
    return dict(await resolve(cluster, AtTime(moment), oldest, {key: ends[key] for key in partitions}))


def file_goals(given: Given, group: str) -> Goals | None:
    """What the file has for this group; None without a file. Raises BadPlan (a ValueError), Problem."""
    path = given.one("from-file")
    if path is None:
        return None
    text = read_text(path)
    first = next(csv.reader(io.StringIO(text)), [])
    if len(first) == 4:
        rows = [row for row in csv.reader(io.StringIO(text)) if row[:1] == [group]]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(row[1:] for row in rows)
        text = out.getvalue()
    return {key: offset for key, offset in read_plan(text).items() if offset is not None}


def datetime_ms(text: str) -> int:
    """ISO 8601, UTC where no zone is named. Raises ValueError."""
    try:
        return parse_moment(text)
    except BadOffset as error:
        raise ValueError(f"Unparseable date: {text!r}") from error


def duration_ms(text: str) -> int:
    """ISO 8601, days at the most. Raises ValueError."""
    found = DURATION.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise ValueError("Text cannot be parsed to a Duration")
    sign, days, hours, minutes, seconds = found.groups()
    whole = int(days or 0) * DAY_S + int(hours or 0) * HOUR_S + int(minutes or 0) * MINUTE_S
    return (-1 if sign else 1) * round((whole + float(seconds or 0)) * 1000)


def reset_text(found: Mapping[str, Goals], *, as_csv: bool, alone: bool) -> str:
    """What is printed: columns, or CSV, which names the group unless there is one `alone`."""
    rows = [
        (group, topic, partition, goals[topic, partition])
        for group, goals in found.items()
        for topic, partition in sorted(goals)
    ]
    if as_csv:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(row[1:] if alone else row for row in rows)
        return out.getvalue() + "\n"
    group_width = max([15, *(len(group) for group in found)])
    topic_width = max([15, *(len(row[1]) for row in rows)])
    lines = [("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"), *rows] if found else []
    return (
        "".join(
            f"\n{group:{group_width}} {topic:{topic_width}} {partition!s:10} {offset}"
            for group, topic, partition, offset in lines
        )
        + "\n"
    )
