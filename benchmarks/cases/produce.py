"""Produce, batched: one thing varied at a time from 1 kB, acks=all, no compression, one partition, one connection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.bench import process_floor, scaled
from benchmarks.figures import Figure, Values, busy, cpu_per_gb, generator_busy, throughput
from benchmarks.stage import Case, Stage

THEME = "Produce, batched"


@dataclass(frozen=True)
class Variant:
    """One point of the matrix, and about how much of it a second or two can hold."""

    name: str
    title: str
    records: int
    size: int = 1000
    settings: dict[str, str] = field(default_factory=dict)
    partitions: int = 1
    clients: int = 1
    feeders: int = 1
    goal: float = 1.5


ZSTD = {"compression.type": "zstd"}
LIBRDKAFKA = (
    Variant("produce_1k", "1 kB, acks=all, no compression, 1 partition, 1 connection", 1_500_000),
    Variant("produce_100", "100 B, two connections", 6_000_000, 100, clients=2, feeders=2, goal=1.2),
    Variant("produce_10k", "10 kB", 150_000, 10_000),
    Variant("produce_acks1", "acks=1", 1_000_000, settings={"acks": "1"}),
    Variant("produce_zstd", "zstd", 600_000, settings=ZSTD),
    Variant("produce_p12", "12 partitions", 1_000_000, partitions=12),
    Variant("produce_c10", "10 connections", 1_000_000, clients=10),
    Variant("produce_c100", "100 connections", 1_000_000, clients=100),
    Variant(
        "produce_all", "100 B, zstd, 12 partitions, 10 connections", 3_000_000, 100, ZSTD, 12, 10, goal=1.2
    ),
)
JAVA = (
    Variant("java_1k", "1 kB, acks=all, no compression, 1 partition", 400_000),
    Variant("java_100", "100 B", 1_500_000, 100, goal=1.2),
    Variant("java_10k", "10 kB", 50_000, 10_000),
    Variant("java_acks1", "acks=1", 400_000, settings={"acks": "1"}),
    Variant("java_zstd", "zstd", 400_000, settings=ZSTD),
    Variant("java_p12", "12 partitions", 400_000, partitions=12),
)
PREBUILT_COUNT, PREBUILT_SIZE, PREBUILT_LANES = 500, 1000, 8
"""Batches of half a megabyte on eight connections."""


def librdkafka_figures(variant: Variant) -> tuple[Figure, ...]:
    rows: tuple[Figure, ...] = (
        Figure(variant.name, f"librdkafka: {variant.title}", "records/s", variant.goal),
        cpu_per_gb(variant.name),
    )
    if variant.name in ("produce_1k", "produce_100"):
        rows += (busy(variant.name), generator_busy(variant.name))
    return rows


def librdkafka(stage: Stage, variant: Variant) -> Values:
    bench = stage.bench()
    with bench.topic(variant.partitions) as topic:
        made = bench.load(
            "librdkafka-produce",
            topic=topic,
            records=bench.count(variant.records),
            size=variant.size,
            settings={"acks": "all", **variant.settings},
            partitions=variant.partitions,
            clients=variant.clients,
            feeders=variant.feeders,
        )
    return throughput(variant.name, made, made["bytes"])


def java(stage: Stage, variant: Variant) -> Values:
    """Kafka's own generator, a JVM of its own. It sends to the partitions as Kafka's producer likes."""
    bench, records = stage.bench(), stage.bench().count(variant.records)
    settings = {"bootstrap.servers": bench.node.bootstrap, "acks": "all", **variant.settings}
    with bench.topic(variant.partitions) as topic:
        printed, _, cpu = bench.java(
            "org.apache.kafka.tools.ProducerPerformance",
            *("--topic", topic, "--num-records", str(records), "--record-size", str(variant.size)),
            *("--throughput", "-1", "--command-property"),
            *(f"{key}={value}" for key, value in settings.items()),
        )
    rates = re.findall(r"([\d.]+) records/sec", printed)
    if not rates:
        raise RuntimeError(f"ProducerPerformance printed no rate: {printed[-500:]!r}")
    return {variant.name: float(rates[-1]), f"{variant.name}_cpu": cpu / (records * variant.size / 1e9)}


def prebuilt_asked(scale: float) -> dict[str, int]:
    return {
        "size": PREBUILT_SIZE,
        "count": PREBUILT_COUNT,
        "requests": scaled(4000, scale),
        "lanes": PREBUILT_LANES,
        "depth": 2,
    }


def prebuilt(stage: Stage) -> Values:
    """Batches built beforehand: the node and the kernel without a client's cost."""
    bench = stage.bench()
    with bench.topic(PREBUILT_LANES) as topic:
        made = bench.load(
            "raw-produce", topic=topic, partitions=PREBUILT_LANES, **prebuilt_asked(bench.scale)
        )
    values = throughput("produce_prebuilt", made, made["bytes"])
    return {**values, "produce_prebuilt": made["bytes"] / made["seconds"] / 1e6}


def prebuilt_floor(folder: Path, scale: float) -> Values:
    with process_floor("into-file", folder) as load:
        made = load("raw-produce", **prebuilt_asked(scale))
    return {
        "produce_prebuilt": made["bytes"] / made["seconds"] / 1e6,
        "produce_prebuilt_cpu": made["cpu"] / (made["bytes"] / 1e9),
    }


CASES = (
    *(
        Case(
            f"librdkafka-{variant.name.replace('_', '-')}",
            THEME,
            librdkafka_figures(variant),
            partial(librdkafka, variant=variant),
            seconds=2,
        )
        for variant in LIBRDKAFKA
    ),
    Case(
        "produce-prebuilt",
        THEME,
        (
            Figure(
                "produce_prebuilt", "prebuilt batches, 500 × 1 kB, 8 partitions, 8 connections", "MB/s", 1.5
            ),
            cpu_per_gb("produce_prebuilt"),
        ),
        prebuilt,
        seconds=3,
        floor=prebuilt_floor,
    ),
    *(
        Case(
            variant.name.replace("java_", "java-produce-"),
            THEME,
            (
                Figure(variant.name, f"ProducerPerformance: {variant.title}", "records/s", variant.goal),
                cpu_per_gb(variant.name),
            ),
            partial(java, variant=variant),
            seconds=5.5,
            java=True,
            once=variant is not JAVA[0],
        )
        for variant in JAVA
    ),
)
