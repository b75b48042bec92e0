"""Both record validations: batches checked by their headers, or walked record by record (Ottla alone)."""

from __future__ import annotations

from benchmarks.bench import create_topic
from benchmarks.figures import Figure, Values
from benchmarks.stage import Case, Stage

THEME = "Record validation, `ottla.record.validation`"
HOW = ("header", "deep")
COMPRESSIONS = ("none", "zstd")
BATCHES = 600


def validation(stage: Stage) -> Values:
    values: Values = {}
    for how in HOW:
        with stage.own({"ottla.record.validation": how}) as bench:
            stage.start(bench.node)
            for compression in COMPRESSIONS:
                topic, name = f"{how}-{compression}", f"validation_{how}_{compression}"
                create_topic(bench.port, topic, 1, {})
                made = bench.load(
                    "raw-produce",
                    topic=topic,
                    size=1000,
                    count=500,
                    requests=max(60, int(BATCHES * bench.scale)),
                    depth=2,
                    compression=compression,
                )
                values[name] = made["records"] / made["seconds"]
                values[f"{name}_cpu"] = made["cpu"] / (made["bytes"] / 1e9)
    return values


CASES = (
    Case(
        "validation",
        THEME,
        tuple(
            figure
            for how in HOW
            for compression in COMPRESSIONS
            for figure in (
                Figure(
                    f"validation_{how}_{compression}",
                    f"{how}, {'not compressed' if compression == 'none' else compression}, 1 kB, 1 connection",
                    "records/s",
                ),
                Figure(f"validation_{how}_{compression}_cpu", "· node CPU", "s/GB"),
            )
        ),
        validation,
        seconds=8,
        once=True,
        ottla_only=True,
    ),
)
