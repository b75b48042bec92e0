"""Names of files and directories in a log directory, as Kafka writes them.

A partition lives in `<topic>-<partition>`. While it moves to another log directory its copy is called
`<topic>-<partition>.<hex>-future`, while it waits to be removed `….<hex>-delete`, and `….<hex>-stray` when it belongs
to no topic any more. A topic name may hold dots and dashes, so names are taken apart from the right.

The files of a segment are named by its base offset in twenty digits. `.deleted` marks a file that is about to go,
`.cleaned` the output of a compaction under way, `.swap` the output of a finished one that has to take its place.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LOG: Final = ".log"
INDEX: Final = ".index"
TIME_INDEX: Final = ".timeindex"
TRANSACTION_INDEX: Final = ".txnindex"
SNAPSHOT: Final = ".snapshot"
DELETED: Final = ".deleted"
CLEANED: Final = ".cleaned"
SWAP: Final = ".swap"

SEGMENT_SUFFIXES: Final = (LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX)

FUTURE: Final = "-future"
DELETE: Final = "-delete"
STRAY: Final = "-stray"

LOCK_FILE: Final = ".lock"
CLEAN_SHUTDOWN_FILE: Final = ".kafka_cleanshutdown"
META_PROPERTIES_FILE: Final = "meta.properties"
RECOVERY_POINT_FILE: Final = "recovery-point-offset-checkpoint"
LOG_START_FILE: Final = "log-start-offset-checkpoint"
HIGH_WATERMARK_FILE: Final = "replication-offset-checkpoint"
CLEANER_FILE: Final = "cleaner-offset-checkpoint"
LEADER_EPOCH_FILE: Final = "leader-epoch-checkpoint"
PARTITION_METADATA_FILE: Final = "partition.metadata"

_MAX_NAME: Final = 255
_MAX_OFFSET: Final = 2**63 - 1
_MAX_PARTITION: Final = 2**31 - 1
_HEX: Final = r"[0-9a-f]{32}"
_DIRECTORY: Final = re.compile(
    rf"(?P<topic>.+)-(?P<partition>\d{{1,10}})(?:\.{_HEX}(?P<state>-future|-delete|-stray))?", re.ASCII
)
_SEGMENT_FILE: Final = re.compile(
    r"(?P<offset>\d{20})(?P<suffix>\.log|\.index|\.timeindex|\.txnindex)(?P<state>\.deleted|\.cleaned|\.swap)?",
    re.ASCII,
)
_SNAPSHOT_FILE: Final = re.compile(r"(?P<offset>\d{20})\.snapshot(?P<state>\.deleted)?", re.ASCII)


class PartitionDirectory(NamedTuple):
    """What a directory name says. `state` is "", "-future", "-delete" or "-stray"."""

    topic: str
    partition: int
    state: str


class SegmentFile(NamedTuple):
    """What a file name says. `state` is "", ".deleted", ".cleaned" or ".swap"."""

    base_offset: int
    suffix: str
    state: str


def partition_directory(topic: str, partition: int) -> str:
    return f"{topic}-{partition}"


def marked_directory(topic: str, partition: int, mark: str, unique: bytes) -> str:
    """The directory's name under `mark` (FUTURE, DELETE, STRAY); `unique` is sixteen random bytes. Long topic names
    are cut to what a file system takes, except for FUTURE, whose name has to lead back to the partition."""
    suffix = f"-{partition}.{unique.hex()}{mark}"
    if mark == FUTURE:
        return topic + suffix
    return topic[: _MAX_NAME - len(suffix)] + suffix


def parse_directory(name: str) -> PartitionDirectory | None:
    """None when it is no partition directory."""
    match = _DIRECTORY.fullmatch(name)
    if match is None or int(match["partition"]) > _MAX_PARTITION:
        return None
    return PartitionDirectory(match["topic"], int(match["partition"]), match["state"] or "")


def segment_file(base_offset: int, suffix: str) -> str:
    return f"{base_offset:020d}{suffix}"


def parse_segment_file(name: str) -> SegmentFile | None:
    """None when it is no file of a segment (snapshots are read by `parse_snapshot`)."""
    match = _SEGMENT_FILE.fullmatch(name)
    if match is None or int(match["offset"]) > _MAX_OFFSET:
        return None
    return SegmentFile(int(match["offset"]), match["suffix"], match["state"] or "")


def snapshot_file(offset: int) -> str:
    return f"{offset:020d}{SNAPSHOT}"


def parse_snapshot(name: str) -> int | None:
    """The offset of a live producer snapshot; None for anything else."""
    match = _SNAPSHOT_FILE.fullmatch(name)
    if match is None or match["state"] is not None or int(match["offset"]) > _MAX_OFFSET:
        return None
    return int(match["offset"])
