"""Who does what when: rounds, the products in turns, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.stage import Case

FLOOR = "floor"
APACHE = "apache"
OVERHEAD_SECONDS = 5.5
"""What a product's turn costs besides its cases: a node starts, is warmed up and ends."""


@dataclass(frozen=True)
class Step:
    """One case of one product in one round."""

    round: int
    product: str
    case: Case

    @property
    def seconds(self) -> float:
        return self.case.seconds


def turns(cases: Iterable[Case], products: Sequence[str], rounds: int) -> Iterator[list[Step]]:
    """The steps of each turn of a product. The floor has one turn, the first."""
    cases = list(cases)
    for number in range(1, rounds + 1):
        for product in ([FLOOR] if number == 1 and FLOOR in products else []) + [
            each for each in products if each != FLOOR
        ]:
            steps = [Step(number, product, case) for case in cases if takes_part(case, product, number)]
            if steps:
                yield steps


def takes_part(case: Case, product: str, number: int) -> bool:
    if product == FLOOR:
        return case.floor is not None
    if case.ottla_only and product == APACHE:
        return False
    return not case.once or number == 1


class Remaining:
    """Tells the time left from what the cases are said to take and how this machine does beside it."""

    def __init__(self, turns: Sequence[Sequence[Step]], scale: float) -> None:
        self.left = sum(OVERHEAD_SECONDS + sum(step.seconds for step in steps) for steps in turns)
        # Starting processes takes as long in a short run.
        self.pace = max(scale, 0.4)
        self.done = 0.0
        self.began = time.monotonic()

    def after(self, seconds: float) -> None:
        self.left -= seconds
        self.done += seconds

    def seconds(self, now: float) -> float:
        """What is left; the first steps tell little about the pace, so it is trusted as they add up."""
        trust = min(1.0, self.done / 60)
        measured = (now - self.began) / self.done if self.done else self.pace
        return max(0.0, self.left * (trust * measured + (1 - trust) * self.pace))
