"""What an interrupted compaction or deletion leaves in a partition directory, and how a start tidies it up.

Compaction writes `.cleaned` files, renames all of them to `.swap` once they are complete, marks the segments they
replace `.deleted`, and renames `.swap` to the final names. So, after a crash:

1. `.deleted` files go;
2. `.cleaned` files go; a `.swap` at or above the lowest of them belongs to a renaming that had only begun, and goes too;
3. segments in the range of the remaining `.swap` files are what these replace, and go;
4. `.swap` files take their final names;
5. index files without a log file go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ottla.core.log.names import (
    CLEANED,
    DELETED,
    LOG,
    SWAP,
    SegmentFile,
    parse_segment_file,
    parse_snapshot,
    segment_file,
)


class Tidying(NamedTuple):
    """What to do, in this order: remove, rename, and then the base offsets of the segments that are there."""

    remove: list[str]
    rename: list[tuple[str, str]]
    segments: list[int]


def tidy(names: Iterable[str], swap_end: Callable[[str], int]) -> Tidying:
    """Plan the tidying of a partition directory that holds `names`. `swap_end(name)` gives the next offset after the
    last batch of a `.log.swap` file."""
    remove: list[str] = []
    files: dict[str, SegmentFile] = {}
    for name in names:
        parsed = parse_segment_file(name)
        if parsed is not None:
            files[name] = parsed
        if name.endswith(DELETED):
            remove.append(name)
    lowest_cleaned = min((file.base_offset for file in files.values() if file.state == CLEANED), default=None)
    swaps: dict[str, SegmentFile] = {}
    for name, file in files.items():
        if file.state == CLEANED:
            remove.append(name)
        elif file.state == SWAP:
            if lowest_cleaned is not None and file.base_offset >= lowest_cleaned:
                remove.append(name)
            else:
                swaps[name] = file
    swapped_logs = {name: file for name, file in swaps.items() if file.suffix == LOG}
    low = min((file.base_offset for file in swapped_logs.values()), default=0)
    high = max((swap_end(name) for name in swapped_logs), default=0)
    kept: dict[str, SegmentFile] = {}
    for name in names:
        live = files.get(name)
        if live is not None and live.state == "":
            if low <= live.base_offset < high:
                remove.append(name)
            else:
                kept[name] = live
        elif low <= (parse_snapshot(name) or -1) < high:
            remove.append(name)
    rename = [(name, segment_file(file.base_offset, file.suffix)) for name, file in swaps.items()]
    segments = {file.base_offset for file in (*kept.values(), *swapped_logs.values()) if file.suffix == LOG}
    remove += [name for name, file in kept.items() if file.base_offset not in segments]
    return Tidying(remove, rename, sorted(segments))
