"""A run: the steps of the plan one after the other. A case that fails costs its own figures alone."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.nodes import Product

from benchmarks.figures import Values, number
from benchmarks.plan import APACHE, FLOOR, OVERHEAD_SECONDS, Remaining, Step
from benchmarks.process import memory_mb
from benchmarks.results import Failure, Results
from benchmarks.stage import Stage

TOUCHED_BYTES = 6 << 30
TOUCH = bytes(1 << 22)


def run(
    turns: Sequence[Sequence[Step]],
    products: dict[str, Product],
    folder: Path,
    scale: float,
    results: Results,
) -> None:
    """Fill `results`, turn by turn."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    touch_memory(folder / "touched", int(min(TOUCHED_BYTES, physical // 4) * scale))
    remaining = Remaining(turns, scale)
    rounds = max(step.round for steps in turns for step in steps)
    for steps in turns:
        with stage_of(steps[0].product, products, folder, scale) as stage:
            for step in steps:
                began = time.monotonic()
                told = one(step, stage, folder, scale, results)
                remaining.after(step.seconds)
                now = time.monotonic()
                say(
                    f"{minutes(now - remaining.began)}, {minutes(remaining.seconds(now))} left · "
                    f"round {step.round}/{rounds} · {step.product} · {step.case.name} · {now - began:.1f} s · {told}"
                )
        remaining.after(OVERHEAD_SECONDS)


@contextmanager
def stage_of(name: str, products: dict[str, Product], folder: Path, scale: float) -> Iterator[Stage | None]:
    """The stage of a product, cleared at the end; None for the floor, which needs none."""
    if name == FLOOR:
        yield None
        return
    pythons = {each: product.server[0] for each, product in products.items() if each != APACHE}
    stage = Stage(products[name], folder / name, scale, pythons=pythons)
    try:
        yield stage
    finally:
        stage.close()


def one(step: Step, stage: Stage | None, folder: Path, scale: float, results: Results) -> str:
    """Take one step; what to tell of it."""
    try:
        values = of_floor(step, folder, scale) if stage is None else step.case.run(stage)
        shown = [each for each in step.case.figures if each.name in values]
        told = [f"{each.title.removeprefix('· ')} {number(values[each.name])}" for each in shown]
        told.append(peak(stage))
    except Exception as failure:  # whatever it was, the other cases go on, and the run ends as failed
        reason = str(failure).strip() or repr(failure)
        results.failures.append(Failure(step.product, step.case.name, step.round, reason))
        say(traceback.format_exc())
        if stage is not None:
            say(stage.tail())
            stage.close()
        return "FAILED"
    results.add(step.product, values)
    return ", ".join(each for each in told if each)


def peak(stage: Stage | None) -> str:
    """The highest memory of the shared node until now, so that one sees which case raised it."""
    if stage is None or stage.shared is None:
        return ""
    return f"highest memory {number(memory_mb(stage.shared.pid, peak=True))} MB"


def of_floor(step: Step, folder: Path, scale: float) -> Values:
    assert step.case.floor is not None, f"{step.case.name} has no floor"
    place = folder / FLOOR
    place.mkdir(exist_ok=True)
    try:
        return step.case.floor(place, scale)
    finally:
        for path in place.iterdir():
            path.unlink()


def touch_memory(path: Path, volume: int) -> None:
    """Fill and drop as much page cache as the cases will need. On a virtual machine memory is found when it is first
    touched, which costs several times what writing to it does, and would be paid by whoever comes first."""
    with open(path, "wb", buffering=0) as file:
        file.writelines(TOUCH for _ in range(volume // len(TOUCH)))
    os.unlink(path)


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
