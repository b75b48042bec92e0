"""Ottla beside Apache Kafka on one machine in one run: `python -m benchmarks`.

One node is alive at a time; the products take turns round by round, so that what else the machine does meets both.
Figures are medians over the rounds. The tables of `docs/performance.md` are written anew by a full run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests import apache_kafka
from tests.nodes import Product, ottla

from benchmarks.cases import CASES, THEMES, clients
from benchmarks.compared import client_tables
from benchmarks.plan import APACHE, FLOOR, turns
from benchmarks.process import busy_cores
from benchmarks.results import Results, as_markdown, as_text, tables
from benchmarks.run import run

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAP = "-Xms1G -Xmx1G"
"""What Kafka's start script gives a broker."""
INTERRUPTED = 130
QUIET_CORES_MAX = 0.1
"""What else the machine may do while it is measured on."""


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asked = arguments()
    if asked.show:
        show(Results.read(asked.show), asked)
        return
    products = chosen_products(asked)
    cases = [CASES[name] for name in asked.cases]
    if not shutil.which("java"):
        cases = [case for case in cases if not case.java]
    names = [*products, FLOOR] if asked.only in (None, FLOOR) else list(products)
    plan = list(turns(cases, names, asked.rounds))
    others = busy_cores(1.0)
    if others > QUIET_CORES_MAX:
        print(f"This machine is not quiet: {others:.1f} cores are busy with something else.", file=sys.stderr)
    results = Results({name: title(name) for name in products}, machine(asked, others))
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="ottla-bench-", dir=asked.dir) as folder:
        keep_bytecode(Path(folder))
        try:
            run(plan, products, Path(folder), asked.scale, results)
        except KeyboardInterrupt:
            interrupted = True
    show(results, asked, whole=not (interrupted or results.failures))
    if interrupted:
        sys.exit(INTERRUPTED)
    if results.failures:
        sys.exit("\n".join(f"failed: {each}" for each in results.failures))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a measurement")
    parser.add_argument("--rounds", type=int, help="how often each product is measured (3; 1 with --quick)")
    parser.add_argument(
        "--cases",
        type=lambda text: text.split(","),
        default=["*"],
        help="names or patterns, with commas between: " + ", ".join(CASES),
    )
    parser.add_argument(
        "--only", help=f"measure one column alone: ottla, {APACHE}, {FLOOR} or a NAME of --also"
    )
    parser.add_argument(
        "--also",
        metavar="NAME=PYTHON",
        action="append",
        default=[],
        help="another column: Ottla as installed in another Python, e.g. compiled=/tmp/wheel/bin/python",
    )
    parser.add_argument("--dir", help="where the nodes keep their data (the system's temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value of every round here")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: show what --json wrote")
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="leave docs/performance.md alone"
    )
    asked = parser.parse_args()
    patterns = asked.cases
    lost = [each for each in patterns if not any(fnmatch(name, each) for name in CASES)]
    if lost:
        parser.error(f"no case is called {', '.join(lost)}; there are: {', '.join(CASES)}")
    wrong = [each for each in asked.also if "=" not in each]
    if wrong:
        parser.error(f"--also wants NAME=PYTHON, not {wrong[0]}")
    asked.cases = [name for name in CASES if any(fnmatch(name, each) for each in patterns)]
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    asked.scale = 0.15 if asked.quick else 1.0
    # A page in the documentation shows a whole comparison or nothing.
    whole = asked.cases == list(CASES) and not (asked.quick or asked.only or asked.show)
    asked.write = asked.write and whole
    return asked


def chosen_products(asked: argparse.Namespace) -> dict[str, Product]:
    """By name, in the order of their columns. Ends the program where Apache Kafka is wanted and cannot run."""
    products = {"ottla": ottla()}
    for name, python in (each.split("=", 1) for each in asked.also):
        command = [python, "-m", "ottla.cli.main"]
        products[name] = Product(name, [*command, "storage", "format"], [*command, "server"])
    if asked.only in (None, APACHE):
        lacking = apache_kafka.missing()
        if lacking:
            sys.exit(f"Apache Kafka {lacking}; or measure Ottla alone: --only ottla")
        products[APACHE] = apache_kafka.product(HEAP, quick=False)
    if asked.only is None:
        return products
    if asked.only not in (*products, FLOOR):
        sys.exit(f"--only {asked.only}: there are {', '.join(products)}, {FLOOR}")
    return {name: product for name, product in products.items() if name == asked.only}


def keep_bytecode(folder: Path) -> None:
    """Let the processes started here run from bytecode, as those of an installed package do: pip compiles what it
    installs, a shell may forbid it to others."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")


def title(name: str) -> str:
    return {"ottla": "Ottla", APACHE: "Apache Kafka"}.get(name, f"Ottla, {name}")


def machine(asked: argparse.Namespace, others: float) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "rounds": asked.rounds,
        "scale": asked.scale,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "apache_kafka": apache_kafka.VERSION,
        "busy_cores_before": round(others, 2),
    }


def show(results: Results, asked: argparse.Namespace, *, whole: bool = True) -> None:
    """Print the tables, and write what was asked to be written."""
    shown = tables(results, CASES.values(), THEMES)
    shown |= client_tables(results, clients.ROWS, clients.OTHERS, clients.THEME)
    print(as_text(shown))
    if asked.json:
        results.write(asked.json)
    if asked.write and whole:
        PAGE.write_text(page_with(PAGE.read_text(), as_markdown(shown), results.machine))


def page_with(page: str, text: str, on: dict[str, Any]) -> str:
    """The page with these tables, and what they were measured on, between its marks."""
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    told = (
        f"Medians of {on['rounds']} rounds on {on['date']} (heavy cases: one round): {on['cores']} cores (others used "
        f"{on['busy_cores_before']:.1f} of them before it began), {on['system']}, "
        f"Python {on['python']}, Apache Kafka {on['apache_kafka']} with its default heap of 1 GB. “met” and “open” "
        f"compare the ratio with its goal; *floor* is the same requests without a node, and Ottla's share of it."
    )
    return f"{before}{BEGIN}\n\n{told}\n\n{text}\n\n{END}{after}"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before anything was begun, or a second one
        sys.exit(INTERRUPTED)
