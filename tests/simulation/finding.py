"""What a judge tells of a node that errs."""

from __future__ import annotations

from collections.abc import Iterable

from ottla.sim.report import simulate

STEPS = 200


def found(seeds: Iterable[int], told: str = "") -> str:
    """The first failure of simulated groups that says `told`. Fails when no seed shows one."""
    failures = (simulate(seed, STEPS, "groups").failure for seed in seeds)
    text = next((each for each in failures if each is not None and told in each), None)
    assert text is not None, "nobody noticed"
    assert 'SIM="--world groups"' in text
    return text
