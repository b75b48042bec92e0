from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Values
from benchmarks.plan import OVERHEAD_SECONDS, Remaining, turns
from benchmarks.stage import Case, Stage


def never(stage: Stage) -> Values:
    raise AssertionError("nothing is measured here")


def nothing(folder: Path, scale: float) -> Values:
    return {}


LIGHT = Case("light", "T", (), never, seconds=2, floor=nothing)
HEAVY = Case("heavy", "T", (), never, seconds=20, once=True)
OURS = Case("ours", "T", (), never, seconds=1, once=True, ottla_only=True)


def told(rounds: int, *products: str) -> list[tuple[int, str, str]]:
    return [
        (step.round, step.product, step.case.name)
        for steps in turns([LIGHT, HEAVY, OURS], products, rounds)
        for step in steps
    ]


def test_products_take_turns_and_heavy_cases_come_once() -> None:
    assert told(2, "ottla", "apache", "floor") == [
        (1, "floor", "light"),
        (1, "ottla", "light"),
        (1, "ottla", "heavy"),
        (1, "ottla", "ours"),
        (1, "apache", "light"),
        (1, "apache", "heavy"),
        (2, "ottla", "light"),
        (2, "apache", "light"),
    ]


def test_another_ottla_takes_part_in_what_ottla_measures_alone() -> None:
    assert (1, "compiled", "ours") in told(1, "ottla", "compiled")


def test_a_turn_without_steps_is_left_out() -> None:
    assert list(turns([HEAVY], ["floor", "ottla"], 2)) == list(turns([HEAVY], ["ottla"], 1))


def test_the_time_left_follows_the_pace_of_the_machine() -> None:
    plan = list(turns([LIGHT, HEAVY], ["ottla"], 2))
    remaining = Remaining(plan, scale=1.0)
    remaining.began = 0.0
    whole = 2 * OVERHEAD_SECONDS + 2 + 20 + 2
    assert remaining.seconds(0.0) == whole
    for _ in range(4):
        remaining.after(20.0)
    assert remaining.seconds(160.0) == 0.0, "never less than nothing"
    remaining = Remaining(plan, scale=1.0)
    remaining.began, remaining.left, remaining.done = 0.0, 30.0, 60.0
    assert remaining.seconds(120.0) == 60.0, "twice as slow as said so far, so twice as long from here"
