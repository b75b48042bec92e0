"""A producer's acknowledgements while something else goes on: cold reads from the start, compaction."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.recovery import fill, need_room
from benchmarks.figures import Figure, Values, percentiles
from benchmarks.process import read_from_disk_bytes
from benchmarks.stage import Case, Stage

THEME = "A producer of 1,000 × 1 kB a second, disturbed"
RATE, SECONDS, CALM_SECONDS = 1_000, 5.0, 3.0
COLD_GIGABYTES = 4
COLD_SHARE_MIN = 0.9
PARTS = ("p50", "p99", "p999")
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": "33554432",
    "min.cleanable.dirty.ratio": "0.01",
    "min.compaction.lag.ms": "0",
}
COMPACTED_RATE, COMPACTED_COUNT, KEYS = 1_000, 100, 100
"""A hundred megabytes a second, every batch with the same hundred keys."""
CLEANED_SHARE_MAX = 0.9
CLEANING_SECONDS_MAX = 30
LEAD_SECONDS = 1.0
"""The paced producer is on its way before it is disturbed."""

Sample = tuple[float, float]


def cold(stage: Stage) -> Values:
    """Another client reads a log from its start that is on the disk alone."""
    bench, wanted = stage.bench(), int(COLD_GIGABYTES * 1e9 * stage.scale)
    need_room(stage.directory, wanted)
    with bench.topic() as topic, bench.topic() as paced:
        records = fill(bench, topic, wanted)
        producer = {"topic": paced, "rate": RATE}
        calm = bench.load("acknowledged", **producer, seconds=bench.seconds(CALM_SECONDS))
        make_cold(bench.node.data / f"{topic}-0")
        seconds = LEAD_SECONDS + bench.seconds(SECONDS)
        with bench.generator("acknowledged", **producer, seconds=seconds) as producing:
            time.sleep(LEAD_SECONDS)
            before = read_from_disk_bytes(bench.pid)
            read = bench.load("raw-consume", topic=topic, records=records)
            fetched = read_from_disk_bytes(bench.pid) - before
            disturbed = during(producing.result()["samples"], read["began"], read["began"] + read["seconds"])
    if fetched < read["bytes"] * COLD_SHARE_MIN:
        raise RuntimeError(f"of {read['bytes'] / 1e6:.0f} MB only {fetched / 1e6:.0f} came from the disk")
    return {
        **named("calm", calm["samples"]),
        **named("cold", disturbed),
        "cold_read": read["bytes"] / read["seconds"] / 1e6,
    }


def during(samples: list[Sample], began: float, ended: float) -> list[Sample]:
    """What was sent in this time."""
    return [sample for sample in samples if began <= sample[0] <= ended]


def make_cold(directory: Path) -> None:
    """Put the files of a partition on the disk and let the page cache forget them."""
    for path in directory.iterdir():
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def compaction(stage: Stage) -> Values:
    """Another client overwrites the same keys in a compacted topic, so that the cleaner is busy all the time. That it
    was shows in the files, which hold far less than was written."""
    bench = stage.bench()
    with bench.topic(settings=COMPACTED) as topic, bench.topic() as paced:
        seconds = bench.seconds(SECONDS)
        writer = {"topic": topic, "rate": COMPACTED_RATE, "count": COMPACTED_COUNT, "key_count": KEYS}
        with bench.generator("acknowledged", **writer, seconds=LEAD_SECONDS + seconds) as writing:
            time.sleep(LEAD_SECONDS)
            measured = bench.load("acknowledged", topic=paced, rate=RATE, seconds=seconds)
            written = writing.result()
        wait_until_cleaned(bench, f"{topic}-0", written["bytes"])
    return named("compaction", measured["samples"])


def wait_until_cleaned(bench: Bench, partition: str, written: float) -> None:
    """Raises RuntimeError when the cleaner took nothing away."""
    deadline = time.monotonic() + CLEANING_SECONDS_MAX
    while True:
        kept = sum(path.stat().st_size for path in (bench.node.data / partition).glob("*.log"))
        if kept < written * CLEANED_SHARE_MAX:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"of {written / 1e6:.0f} MB written {kept / 1e6:.0f} are left: nothing was compacted"
            )
        time.sleep(0.2)


def named(prefix: str, samples: list[Sample]) -> Values:
    measured = percentiles([wait for _, wait in samples])
    return {f"{prefix}_{part}": measured[part] for part in PARTS}


def figures(prefix: str, title: str) -> tuple[Figure, ...]:
    goals = {"p50": 0.7, "p99": 0.5, "p999": None}
    return tuple(
        Figure(f"{prefix}_{part}", f"{title}, {part.replace('999', '99.9')}", "ms", goals[part], less=True)
        for part in PARTS
    )


CASES = (
    Case(
        "cold",
        THEME,
        (
            *figures("calm", "undisturbed, acknowledged"),
            *figures("cold", "another client reads cold segments from the start"),
            Figure("cold_read", "· what that client reads", "MB/s"),
        ),
        cold,
        seconds=15,
        once=True,
    ),
    Case(
        "compaction",
        THEME,
        (*figures("compaction", "another client fills a compacted topic with 100 MB/s, the cleaner runs"),),
        compaction,
        seconds=7,
        once=True,
    ),
)
