"""What a seek would do: where each partition stands, where it would go, and the file that takes it back.

topic,partition,offset      a line each, as Kafka's own tool writes and reads them
orders,0,42
orders,1,                   without an offset: the group shall have committed nothing there
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

TopicPartition: TypeAlias = "tuple[str, int]"

OFFSET_MAX: Final = 2**63 - 1


class BadPlan(ValueError):
    """A file that is no plan; the message names the line."""


class Move(msgspec.Struct, frozen=True):
    """One partition. `before`, `after`: committed offsets, None where there is none (or shall be none)."""

    topic: str
    partition: int
    before: int | None
    after: int | None
    note: str = ""

    @property
    def key(self) -> TopicPartition:
        return self.topic, self.partition

    def row(self) -> dict[str, Any]:
        change = None if self.before is None or self.after is None else self.after - self.before
        return {
            "topic": self.topic,
            "partition": self.partition,
            "current": self.before,
            "new": self.after,
            "change": change,
            "note": self.note or None,
        }


def planned(
    wanted: Mapping[TopicPartition, int | None],
    committed: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> list[Move]:
    """Moves to the offsets wanted, held within what each log has. A log whose ends nobody knows holds nothing back."""
    moves = []
    for key, offset in sorted(wanted.items()):
        note = ""
        if offset is None:
            note = "forgotten"
        elif key in starts and offset < starts[key]:
            offset, note = starts[key], f"{offset} is gone: the oldest there is"
        elif key in ends and offset > ends[key]:
            offset, note = ends[key], f"{offset} is not there yet: the end"
        moves.append(Move(*key, committed.get(key), offset, note))
    return moves


def shifted(
    partitions: Iterable[TopicPartition], committed: Mapping[TopicPartition, int], by: int
) -> tuple[dict[TopicPartition, int | None], list[TopicPartition]]:
    """Every commit `by` records on (or back), and the partitions that have none to shift."""
    wanted: dict[TopicPartition, int | None] = {}
    without = []
    for key in partitions:
        if key in committed:
            wanted[key] = min(max(0, committed[key] + by), OFFSET_MAX)
        else:
            without.append(key)
    return wanted, without


def plan_text(offsets: Mapping[TopicPartition, int | None]) -> str:
    """A file's text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for (topic, partition), offset in sorted(offsets.items()):
        writer.writerow((topic, partition, "" if offset is None else offset))
    return out.getvalue()


def read_plan(text: str) -> dict[TopicPartition, int | None]:
    """What a file says. Raises BadPlan."""
    found: dict[TopicPartition, int | None] = {}
    for number, row in rows_in(text):
        if len(row) != 3:
            raise BadPlan(f"line {number}: not topic,partition,offset")
        topic, partition, offset = (each.strip() for each in row)
        if number == 1 and (topic, partition) == ("topic", "partition"):
            continue  # a heading
        key = (topic, whole(partition, number, "partition", 2**31 - 1))
        if not topic:
            raise BadPlan(f"line {number}: no topic")
        if key in found:
            raise BadPlan(f"line {number}: {topic}-{partition} for the second time")
        found[key] = None if offset == "" else whole(offset, number, "offset", OFFSET_MAX)
    if not found:
        raise BadPlan("there is no line in it")
    return found


def rows_in(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, by number. Raises BadPlan."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise BadPlan(f"line {reader.line_num}: {error}") from error


def whole(text: str, line: int, what: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > most:
        raise BadPlan(f"line {line}: {text[:40]!r} is no {what}")
    return int(text)
