"""Clients beside each other, ours and other people's, on one node: rates, processor time, what they need to be there at all."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from functools import partial

from benchmarks.bench import Bench, output, process
from benchmarks.compared import Rival, Row, column
from benchmarks.figures import Values
from benchmarks.plan import APACHE
from benchmarks.stage import Case, Stage

THEME = "Clients"
OTHERS = {"confluent": "confluent-kafka", "aiokafka": "aiokafka", "kafka_python": "kafka-python"}
"""Module in `benchmarks.clients` -> what it is called."""
WAYS = {
    "ottla": ("produce", "produce-batch", "produce-columns", "consume", "consume-batches", "consume-columns"),
    "confluent": ("produce", "produce-batch", "consume", "consume-batches"),
    "aiokafka": ("produce", "produce-batch", "consume", "consume-batches"),
    "kafka_python": ("produce", "consume", "consume-batches"),
}
TITLES = {
    "produce": "produce one by one",
    "produce-batch": "produce many a call",
    "produce-columns": "produce columns",
    "consume": "consume one by one",
    "consume-batches": "consume many a call",
    "consume-columns": "consume columns",
}
AIO, PYTHON, CONFLUENT = Rival("aiokafka"), Rival("kafka_python"), Rival("confluent")
GOALS: dict[str, tuple[float, tuple[Rival, ...]]] = {
    "produce": (3, (AIO, PYTHON)),
    "produce-batch": (1, (CONFLUENT,)),
    "consume": (3, (AIO, PYTHON)),
    "consume-batches": (1, (CONFLUENT,)),
    "consume-columns": (5, (Rival("confluent", "consume-batches"),)),
}
SIZES = {100: 2_000_000, 1000: 400_000}
"""Bytes of a value -> records a lap has at most, so that they stay in the page cache."""
BATCH_BYTES = 131_000
SPARE_BYTES = 100_000_000
"""Behind what a lap reads, so that no client has read ahead to the end: its last fetch would wait there, and the next lap
for that."""
WARM_RECORDS, LAP_SECONDS, LAPS = 20_000, 0.7, 3
IMPORTS = {
    "ottla": "from ottla.client import Consumer, Producer",
    "confluent": "from confluent_kafka import Consumer, Producer",
    "aiokafka": "from aiokafka import AIOKafkaConsumer, AIOKafkaProducer",
    "kafka_python": "from kafka import KafkaConsumer, KafkaProducer",
}
IMPORT_TIMES = 9
MEMORY = "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"


def pythons(stage: Stage) -> dict[str, tuple[str, str]]:
    """For each column the module of its client and the Python that runs it."""
    ours = {column(name): ("ottla", python) for name, python in stage.pythons.items()}
    return {**ours, **{name: (name, sys.executable) for name in OTHERS}}


def is_meant(stage: Stage) -> bool:
    """Clients meet Apache Kafka and one build of Ottla, the last one named."""
    return stage.product.name == (list(stage.pythons) or [None])[-1] or stage.product.name == APACHE


def side_by_side(stage: Stage, way: str, size: int) -> Values:
    """Each client that knows this way, one after the other, on topics of their own."""
    values: Values = {}
    if not is_meant(stage):
        return values
    bench = stage.bench()
    for name, (module, python) in pythons(stage).items():
        if way in WAYS[module]:
            told = one(bench, python, module, way, size)
            values[f"{way}_{size}:{name}"] = told["rate"]
            values[f"{way}_{size}_cpu:{name}"] = told["cpu"]
            values[f"{way}_{size}_memory:{name}"] = told["memory"]
    return values


def one(bench: Bench, python: str, module: str, way: str, size: int) -> dict[str, float]:
    """A client in a process of its own. What it says it has produced is counted in the log."""
    records = max(bench.count(SIZES[size]), WARM_RECORDS)
    with bench.topic() as topic:
        if way.startswith("consume"):
            count = BATCH_BYTES // (size + 10)
            requests = (records + SPARE_BYTES // size) // count + 1
            bench.load("raw-produce", topic=topic, size=size, count=count, requests=requests)
        asked = {
            "bootstrap": bench.node.bootstrap,
            "topic": topic,
            "size": size,
            "records": records,
            "warm": WARM_RECORDS,
            "seconds": LAP_SECONDS * max(bench.scale, 0.3),
            "laps": LAPS,
        }
        with process([python, "-m", f"benchmarks.clients.{module}", way, json.dumps(asked)]) as running:
            told: dict[str, float] = json.loads(output(running, bench.process))
        if way.startswith("produce"):
            bench.load("raw-consume", topic=topic, records=int(told["total"]))
    return told


def imports(stage: Stage) -> Values:
    """Until the classes of a client are there, the interpreter's own start taken off; and what memory that takes."""
    values: Values = {}
    if not is_meant(stage) or stage.product.name == APACHE:
        return values
    for name, (module, python) in pythons(stage).items():
        statement = IMPORTS[module]
        bare = statistics.median(seconds_of(python, "pass") for _ in range(IMPORT_TIMES))
        whole = statistics.median(seconds_of(python, statement) for _ in range(IMPORT_TIMES))
        values[f"import:{name}"] = (whole - bare) * 1e3
        told = subprocess.run(
            [python, "-c", f"{statement}\n{MEMORY}"], capture_output=True, text=True, check=True
        )
        values[f"import_memory:{name}"] = float(told.stdout)
    return values


def seconds_of(python: str, statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([python, "-c", statement], check=True)
    return time.perf_counter() - began


def rows(way: str, size: int) -> tuple[Row, ...]:
    name = f"{way}_{size}"
    goal, rivals = GOALS.get(way, (None, ()))
    meant = tuple(Rival(each.client, f"{each.row or way}_{size}") for each in rivals)
    shown: tuple[Row, ...] = (
        Row(name, f"{TITLES[way]}, {'100 B' if size == 100 else '1 kB'}", "records/s", goal, meant),
        Row(f"{name}_cpu", "· client CPU", "µs/record"),
    )
    if size == 1000 and way in ("produce", "consume"):
        shown += (Row(f"{name}_memory", "· highest memory of the client", "MB"),)
    return shown


IMPORT_ROWS = (
    Row("import", "import, producer and consumer", "ms"),
    Row("import_memory", "· memory with them", "MB"),
)
ROWS = (*(row for way in TITLES for size in SIZES for row in rows(way, size)), *IMPORT_ROWS)

CASES = (
    *(
        Case(
            f"clients-{way}-{size}",
            THEME,
            (),
            partial(side_by_side, way=way, size=size),
            seconds=20,
            once=True,
        )
        for way in TITLES
        for size in SIZES
    ),
    Case("clients-import", THEME, (), imports, seconds=10, once=True),
)
