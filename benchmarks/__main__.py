"""Ottla beside Apache Kafka on one machine in one run: `python -m benchmarks`.

One node is alive at a time; the products take turns round by round, so that what else the machine does meets both.
Figures are medians over the rounds. The table of `docs/performance.md` is written anew by a full run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from tests import apache_kafka
from tests.nodes import Node, Product, ottla

from benchmarks import figures, floor, frames
from benchmarks.cases import CASES, Bench, create_topic
from benchmarks.load_raw import whole_answer
from benchmarks.process import memory_mb

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
FLOOR_BYTES = 2 << 30
HEAP = "-Xms1G -Xmx1G"
"""What Kafka's start script gives a broker."""


def main() -> None:
    asked = arguments()
    products = {"ottla": ottla()}
    if asked.only != "ottla":
        lacking = apache_kafka.missing()
        if lacking:
            sys.exit(f"Apache Kafka {lacking}; or measure Ottla alone: --only ottla")
        products["apache"] = apache_kafka.product(HEAP, quick=False)
        if asked.only == "apache":
            del products["ottla"]
    cases = [each for each in asked.cases if apache_kafka.missing() is None or each != "kafka-tools"]
    rounds: dict[str, figures.Rounds] = {name: {} for name in ("ottla", "apache")}
    with tempfile.TemporaryDirectory(prefix="ottla-bench-", dir=asked.dir) as folder:
        for number in range(asked.rounds):
            for name, product in products.items():
                measured = one_round(Path(folder) / name, product, cases, asked.scale)
                for key, value in measured.items():
                    rounds[name].setdefault(key, []).append(value)
                print(f"round {number + 1} of {asked.rounds}, {name}:", file=sys.stderr)
                print(
                    "  " + ", ".join(f"{k} {figures.number(v)}" for k, v in measured.items()), file=sys.stderr
                )
        rows = figures.table(rounds["ottla"], rounds["apache"], the_floor(Path(folder), asked.scale))
    print(figures.as_text(rows))
    if asked.write:
        write_page(rows, asked.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a measurement")
    parser.add_argument("--rounds", type=int, help="how often each product is measured (3; 1 with --quick)")
    parser.add_argument(
        "--cases", type=lambda text: text.split(","), default=list(CASES), help=", ".join(CASES)
    )
    parser.add_argument("--only", choices=["ottla", "apache"], help="measure one product alone")
    parser.add_argument("--dir", help="where the nodes keep their data (the system's temporary folder)")
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="leave docs/performance.md alone"
    )
    asked = parser.parse_args()
    unknown = set(asked.cases) - set(CASES)
    if unknown:
        parser.error(f"no case is called {', '.join(sorted(unknown))}; there are: {', '.join(CASES)}")
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    asked.scale = 0.15 if asked.quick else 1.0
    # A page in the documentation shows a whole comparison or nothing.
    asked.write = asked.write and not asked.quick and not asked.only and asked.cases == list(CASES)
    return asked


def one_round(directory: Path, product: Product, cases: list[str], scale: float) -> dict[str, float]:
    """A node from birth to death; what it showed."""
    node = Node(directory, product)
    try:
        node.start()
        create_topic(node.port, "first", 1)
        first_acknowledged(node.port)
        node.stop()
        began = time.perf_counter()
        node.start(poll_seconds=0.005)
        first_acknowledged(node.port)
        measured = {"start": time.perf_counter() - began}
        time.sleep(2)
        bench = Bench(node, scale)
        measured["idle"] = memory_mb(bench.pid)
        warm_up(bench)
        for case in cases:
            measured.update(CASES[case](bench))
        measured["loaded"] = memory_mb(bench.pid, peak=True)
        node.stop()
    finally:
        node.kill()
        shutil.rmtree(directory, ignore_errors=True)
    return measured


def first_acknowledged(port: int) -> None:
    """Produce to the topic `first` until it is acknowledged."""
    request = frames.produce("first", 0, frames.batch(b"first"))
    buffer = memoryview(bytearray(1 << 16))
    deadline = time.monotonic() + 60
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        while True:
            connection.sendall(request)
            answer = bytes(whole_answer(connection, buffer))
            if not frames.produce_error(answer, "first"):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing was acknowledged: {answer!r}")
            time.sleep(0.005)


def warm_up(bench: Bench) -> None:
    """Let the JVM compile what it will need; Ottla gets the same."""
    topic = bench.topic()
    scaled = max(0.3, bench.scale)
    common = {"what": "produce", "topic": topic, "partitions": 1, "lanes": 4, "depth": 4}
    bench.load("load_raw", **common, size=1000, count=100, requests=int(10_000 * scaled))
    bench.load("load_raw", **common, size=100, count=1, requests=int(30_000 * scaled))
    bench.load("load_raw", what="consume", topic=topic, records=int(1_000_000 * scaled))


def the_floor(folder: Path, scale: float) -> dict[str, float]:
    path = folder / "floor"
    into = floor.into_file(path, int(FLOOR_BYTES * scale))
    return {"floor: socket into file": into / 1e6, "floor: file into socket": floor.out_of_file(path) / 1e6}


def write_page(rows: list[list[str]], rounds: int) -> None:
    """Put the table and what it was measured on between the marks of the page."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    machine = (
        f"Medians of {rounds} rounds on {time.strftime('%Y-%m-%d')}: {cores()} cores, {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}, Apache Kafka {apache_kafka.VERSION} "
        f"with its default heap of 1 GB. “met” and “open” compare the ratio with its goal."
    )
    PAGE.write_text(f"{before}{BEGIN}\n\n{machine}\n\n{figures.as_markdown(rows)}\n\n{END}{after}")


def cores() -> int:

    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
