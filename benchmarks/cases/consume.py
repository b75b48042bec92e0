"""Consume from the page cache: librdkafka, a bare fetch loop, Kafka's console consumer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import floor
from benchmarks.bench import Bench, process_floor, scaled
from benchmarks.figures import Figure, Values, busy, cpu_per_gb, generator_busy, throughput
from benchmarks.stage import Case, Stage

THEME = "Consume"
BATCH_BYTES = 900_000
"""What librdkafka would have written: its batches hold up to a megabyte."""
ROOMY = {"queued.min.messages": "5000000", "queued.max.messages.kbytes": "2000000"}
"""Room for the client to read ahead, so that it never pauses its fetches."""


@dataclass(frozen=True)
class Variant:
    """Records as they lie in the log, and who reads them."""

    name: str
    title: str
    records: int
    size: int = 1000
    compression: str = "none"
    partitions: int = 1
    clients: int = 1
    settings: dict[str, str] = field(default_factory=dict)


LIBRDKAFKA = (
    Variant("consume_1k", "1 kB, its default settings", 1_000_000),
    Variant("consume_roomy", "1 kB, room to read ahead", 1_000_000, settings=ROOMY),
    Variant("consume_100", "100 B", 4_000_000, 100),
    Variant("consume_10k", "10 kB", 100_000, 10_000),
    Variant("consume_zstd", "zstd", 500_000, compression="zstd"),
    Variant("consume_p12", "12 partitions", 1_000_000, partitions=12),
    Variant("consume_c10", "10 connections, all read the same", 300_000, clients=10),
    Variant("consume_c100", "100 connections, all read the same", 40_000, clients=100),
)
RAW_RECORDS, JAVA_RECORDS = 2_000_000, 1_000_000


def fill(bench: Bench, topic: str, variant: Variant) -> int:
    """Prebuilt batches into every partition; how many records there are."""
    count = BATCH_BYTES // variant.size
    requests = max(variant.partitions, bench.count(variant.records) // count)
    filled = bench.load(
        "raw-produce",
        topic=topic,
        size=variant.size,
        count=count,
        requests=requests // variant.partitions * variant.partitions,
        partitions=variant.partitions,
        lanes=variant.partitions,
        compression=variant.compression,
    )
    return int(filled["records"])


def librdkafka(stage: Stage, variant: Variant) -> Values:
    bench = stage.bench()
    with bench.topic(variant.partitions) as topic:
        records = fill(bench, topic, variant)
        read = bench.load(
            "librdkafka-consume",
            topic=topic,
            records=records * max(1, variant.clients // variant.partitions),
            settings=variant.settings,
            partitions=variant.partitions,
            clients=variant.clients,
        )
    return throughput(variant.name, read, read["records"] * variant.size)


def figures(variant: Variant) -> tuple[Figure, ...]:
    rows: tuple[Figure, ...] = (
        Figure(variant.name, f"librdkafka: {variant.title}", "records/s", 2),
        cpu_per_gb(variant.name),
    )
    if variant.name in ("consume_1k", "consume_roomy"):
        rows += (busy(variant.name), generator_busy(variant.name))
    return rows


def raw(stage: Stage) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        records = fill(bench, topic, Variant("consume_raw", "", RAW_RECORDS))
        read = bench.load("raw-consume", topic=topic, records=records)
    values = throughput("consume_raw", read, read["bytes"])
    return {**values, "consume_raw": read["bytes"] / read["seconds"] / 1e6}


def raw_floor(folder: Path, scale: float) -> Values:
    batches = scaled(RAW_RECORDS, scale) // floor.COUNT
    with process_floor("out-of-file", folder, str(batches)) as load:
        read = load("raw-consume", records=batches * floor.COUNT)
    return {
        "consume_raw": read["bytes"] / read["seconds"] / 1e6,
        "consume_raw_cpu": read["cpu"] / (read["bytes"] / 1e9),
    }


def console(stage: Stage) -> Values:
    """Kafka's console consumer, its formatter switched off; the start of its JVM is part of the time."""
    bench = stage.bench()
    with bench.topic() as topic:
        records = fill(bench, topic, Variant("consume_java", "", JAVA_RECORDS))
        _, seconds, cpu = bench.java(
            "org.apache.kafka.tools.consumer.ConsoleConsumer",
            *("--bootstrap-server", bench.node.bootstrap, "--topic", topic, "--partition", "0"),
            *("--offset", "earliest", "--max-messages", str(records)),
            *("--formatter", "org.apache.kafka.tools.consumer.NoOpMessageFormatter"),
        )
    return {"consume_java": records / seconds, "consume_java_cpu": cpu / (records * 1000 / 1e9)}


def performance(stage: Stage) -> Values:
    """Kafka's ConsumerPerformance, a member of a group; the rate it tells counts from its first assignment."""
    bench = stage.bench()
    with bench.topic() as topic:
        records = fill(bench, topic, Variant("consume_perf", "", JAVA_RECORDS))
        told, _, cpu = bench.java(
            "org.apache.kafka.tools.ConsumerPerformance",
            *("--bootstrap-server", bench.node.bootstrap, "--topic", topic),
            *("--num-records", str(records), "--timeout", "60000"),
        )
    names, values = (line.split(", ") for line in told.strip().splitlines()[-2:])
    rate = float(dict(zip(names, values, strict=True))["fetch.nMsg.sec"])
    return {"consume_perf": rate, "consume_perf_cpu": cpu / (records * 1000 / 1e9)}


CASES = (
    *(
        Case(
            f"librdkafka-{variant.name.replace('_', '-')}",
            THEME,
            figures(variant),
            partial(librdkafka, variant=variant),
            seconds=3,
        )
        for variant in LIBRDKAFKA
    ),
    Case(
        "consume-raw",
        THEME,
        (Figure("consume_raw", "bare fetch loop, 1 kB", "MB/s", 2), cpu_per_gb("consume_raw")),
        raw,
        seconds=3,
        floor=raw_floor,
    ),
    Case(
        "java-consumer-performance",
        THEME,
        (
            Figure("consume_perf", "Kafka's ConsumerPerformance, 1 kB", "records/s", 2),
            cpu_per_gb("consume_perf"),
        ),
        performance,
        seconds=8,
        java=True,
    ),
    Case(
        "java-consume",
        THEME,
        (
            Figure("consume_java", "Kafka's console consumer, 1 kB, its start included", "records/s"),
            cpu_per_gb("consume_java"),
        ),
        console,
        seconds=5,
        java=True,
    ),
)
