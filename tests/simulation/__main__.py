"""`make sim`: many seeds, on all cores, with what they reached; or one seed with its trace.

python -m tests.simulation --seeds 500 --steps 300     fresh seeds
python -m tests.simulation --first 1 --seeds 100       these seeds
python -m tests.simulation --seed 42 --trace           one, and everything that happened in it
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from ottla.sim.report import WORLDS, Report, simulate

FRESH_BELOW = 10**9


def main() -> int:
    options = parse()
    if options.seed is not None:
        return one(options.seed, options.steps, options.world, trace=options.trace)
    return many(options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sim", description="Run the node in simulated worlds.")
    parser.add_argument("--seed", type=int, help="run this one and nothing else")
    parser.add_argument("--trace", action="store_true", help="with --seed: print all that happened")
    parser.add_argument("--world", choices=sorted(WORLDS), default="node", help="what is simulated")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, help="the first of them; without it they are fresh")
    parser.add_argument("--steps", type=int, default=300, help="of clients, in each run")
    parser.add_argument("--seconds", type=float, help="begin no more runs after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser.parse_args()


def one(seed: int, steps: int, world: str, *, trace: bool) -> int:
    if trace:
        story = WORLDS[world](seed, steps, kept_events=None)
        try:
            story.run()
        finally:
            print(story.universe.trace.tail(story.universe.trace.events))
        return 0
    report = simulate(seed, steps, world)
    print(report.failure or told(report))
    return 1 if report.failure else 0


def told(report: Report) -> str:
    return (
        f"seed {report.seed}: every promise was kept; {report.events} events in "
        f"{report.virtual_ms / 1000:.1f} s of virtual time, trace {report.digest}"
    )


def many(options: argparse.Namespace) -> int:
    first = options.first if options.first is not None else random.SystemRandom().randrange(FRESH_BELOW)
    began = time.monotonic()
    reached: Counter[str] = Counter()
    failed: list[Report] = []
    done = virtual_ms = 0
    for report in reports(first, options, began):
        done += 1
        virtual_ms += report.virtual_ms
        reached += report.reached
        if report.failure:
            failed.append(report)
            clear()
            print(f"{report.failure}\n", flush=True)
        progress(done, options.seeds, len(failed), report.seed, began)
    clear()
    spent = time.monotonic() - began
    print(f"{done} seeds from {first} on, {options.steps} steps each, {len(failed)} failed, in {spent:.0f} s")
    print(f"{virtual_ms / 3_600_000:.1f} hours of virtual time")
    for what, count in sorted(reached.items()):
        print(f"  {count:8}  {what}")
    if failed:
        print("failed: " + " ".join(str(report.seed) for report in failed))
    return 1 if failed else 0


def reports(first: int, options: argparse.Namespace, began: float) -> Iterator[Report]:
    """As they come; no more are begun when the time is over."""
    seeds = iter(range(first, first + options.seeds))
    running: set[Future[Report]] = set()
    with ProcessPoolExecutor(options.jobs) as pool:
        while True:
            late = options.seconds is not None and time.monotonic() - began > options.seconds
            while not late and len(running) < 2 * options.jobs and (seed := next(seeds, None)) is not None:
                running.add(pool.submit(simulate, seed, options.steps, options.world))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in ended)


def progress(done: int, of: int, failed: int, seed: int, began: float) -> None:
    """One line that changes on a terminal; a line now and then in a pipe."""
    rate = done / max(time.monotonic() - began, 0.001)
    text = f"{done} of {of} seeds, {failed} failed, {rate:.1f} a second"
    if sys.stdout.isatty():
        print(f"\r\033[K{text}, last {seed}", end="", flush=True)
    elif done % 100 == 0:
        print(text, flush=True)


def clear() -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="")


if __name__ == "__main__":
    sys.exit(main())
