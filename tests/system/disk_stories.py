"""What may go wrong with a disk, as a list: which calls fail, what makes a node meet them, and what has to come of it.

Topic `here` lies in a log directory on the failing disk, `there` in another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.system.asking import Asker

LOG = "*/here-0/*.log"
METADATA = "*/__cluster_metadata-0/*.log"
CHECKPOINTS = "*/logs/*-checkpoint*"
SMALL_SEGMENTS = {"segment_bytes": "1048576"}
COMPACTED = {
    **SMALL_SEGMENTS,
    "cleanup_policy": "compact",
    "min_cleanable_dirty_ratio": "0.01",
    "segment_ms": "100",
}


class Outcome(Enum):
    OFFLINE = auto()
    """The directory is offline until the next start, its partitions with it; the other directory serves on."""
    FULL = auto()
    """Writes that need room are refused, nothing else; they work again as soon as there is room."""
    UNREADABLE = auto()
    """What cannot be read is answered with an error, everything else goes on."""
    UNHARMED = auto()
    """Clients notice nothing."""
    ENDS = auto()
    """The node cannot go on: it ends with exit code 1."""


Work = Callable[[Asker], object]


def nothing(asker: Asker) -> None:
    """Time does it."""


def much(asker: Asker) -> object:
    """Several segments of one megabyte."""
    return [asker.produce("here", b"v" * 300_000) for _ in range(12)]


def some(asker: Asker) -> object:
    """Two segments of one megabyte."""
    return [asker.produce("here", b"v" * 300_000) for _ in range(5)]


def a_topic(asker: Asker) -> object:
    return asker.create("more")


def end_a_topic(asker: Asker) -> object:
    return [asker.delete(name) for name in ("gone-1", "gone-2")]


@dataclass(frozen=True)
class Story:
    """`faults`: operations and paths that fail with `errno`. `extra`: topics that are there before."""

    name: str
    faults: tuple[tuple[str, str], ...]
    errno: str
    outcome: Outcome
    work: Work = nothing
    node: dict[str, str] = field(default_factory=dict)
    topic: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    metadata: bool = False
    """Whether the metadata log lies on that disk, too."""
    child: bool = False
    """Whether a child process meets the fault: that one opens the disk by itself."""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def _both(name: str, *faults: tuple[str, str], **rest: object) -> list[Story]:
    """A story of a broken disk and the same one of a full one."""
    return [
        Story(f"{name}: EIO", faults, "EIO", Outcome.OFFLINE, **rest),  # type: ignore[arg-type]
        Story(f"{name}: ENOSPC", faults, "ENOSPC", Outcome.FULL, **rest),  # type: ignore[arg-type]
    ]


OFTEN = "500"
RECOVERY_POINTS = {"log.flush.offset.checkpoint.interval.ms": OFTEN}
STARTS = {"log.flush.start.offset.checkpoint.interval.ms": OFTEN}
HIGH_WATERMARKS = {"replica.high.watermark.checkpoint.interval.ms": OFTEN}
SNAPSHOTS = {
    "metadata.log.max.snapshot.interval.ms": "1000",
    "metadata.log.max.record.bytes.between.snapshots": "100",
}
FLUSHED = {"flush_messages": "1"}
DELETED = {**SMALL_SEGMENTS, "retention_bytes": "1048576", "file_delete_delay_ms": "100"}

STORIES = [
    *_both("append", ("write", LOG)),
    *_both("roll", ("create", "*/here-0/*"), work=much, topic=SMALL_SEGMENTS),
    *_both(
        "index",
        ("write", "*/here-0/*index"),
        work=much,
        topic={**SMALL_SEGMENTS, "index_interval_bytes": "10"},
    ),
    *_both("recovery points", ("create", CHECKPOINTS), ("write", CHECKPOINTS), node=RECOVERY_POINTS),
    *_both("start offsets", ("create", CHECKPOINTS), ("write", CHECKPOINTS), node=STARTS),
    *_both("high watermarks", ("create", CHECKPOINTS), ("write", CHECKPOINTS), node=HIGH_WATERMARKS),
    *_both("deleting a topic", ("rename", "*/logs/gone-*"), work=end_a_topic, extra=("gone-1", "gone-2")),
    *_both("retention", ("rename", "*/here-0/*"), work=much, topic=DELETED),
    *_both("compaction writes", ("write", "*/here-0/*.cleaned"), work=much, topic=COMPACTED, child=True),
    Story("removing files: EIO", (("unlink", "*/here-0/*"),), "EIO", Outcome.OFFLINE, much, topic=DELETED),
    Story("sync: EIO", (("fsync", LOG),), "EIO", Outcome.OFFLINE, topic=FLUSHED),
    Story("sync: ENOSPC", (("fsync", LOG),), "ENOSPC", Outcome.OFFLINE, topic=FLUSHED),
    Story("read: EIO", (("read", LOG),), "EIO", Outcome.UNREADABLE),
    Story(
        "read-only",
        tuple((each, "*/logs/*") for each in ("write", "create", "rename", "unlink")),
        "EROFS",
        Outcome.OFFLINE,
    ),
    Story(
        "no permission",
        tuple((each, "*/logs/*") for each in ("open", "create", "rename")),
        "EACCES",
        Outcome.OFFLINE,
        node=HIGH_WATERMARKS,
    ),
    Story("a dead disk", (("any", "*/logs*"),), "EIO", Outcome.OFFLINE, node=HIGH_WATERMARKS),
    Story("a directory that is gone", (("any", "*/logs*"),), "ENOENT", Outcome.OFFLINE, node=HIGH_WATERMARKS),
    Story("metadata append: EIO", (("write", METADATA),), "EIO", Outcome.ENDS, a_topic, metadata=True),
    Story(
        "metadata append: ENOSPC", (("write", METADATA),), "ENOSPC", Outcome.UNHARMED, a_topic, metadata=True
    ),
    Story(
        "a dead disk under the metadata", (("any", "*/logs*"),), "EIO", Outcome.ENDS, a_topic, metadata=True
    ),
    Story("metadata sync: EIO", (("fsync", METADATA),), "EIO", Outcome.ENDS, a_topic, metadata=True),
    Story(
        "metadata snapshot: EIO",
        (("write", "*.checkpoint*"),),
        "EIO",
        Outcome.UNHARMED,
        a_topic,
        SNAPSHOTS,
        metadata=True,
    ),
    Story(
        "metadata snapshot: ENOSPC",
        (("write", "*.checkpoint*"),),
        "ENOSPC",
        Outcome.UNHARMED,
        a_topic,
        SNAPSHOTS,
        metadata=True,
    ),
]
