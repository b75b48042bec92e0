"""The node in simulated worlds: the same few seeds in every run, and a few that nobody has seen.

A failure prints its seed, the last events, and the command that has it again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from ottla.sim.complaints import REACHED
from ottla.sim.report import simulate
from ottla.sim.swarm import End

STEPS = 200
KNOWN = range(1, 33)
FRESH = [random.SystemRandom().randrange(10**9) for _ in range(8)]

RARE = {"interrupted compactions finished"}
"""What so few seeds need not reach."""


def kept_promises(seed: int) -> Counter[str]:
    report = simulate(seed, STEPS)
    assert report.failure is None, f"\n{report.failure}"
    return report.reached


def test_known_seeds_keep_every_promise_and_get_everywhere() -> None:
    reached: Counter[str] = Counter()
    for seed in KNOWN:
        reached += kept_promises(seed)
    wanted = {*REACHED.values(), *(end.value for end in End)} - RARE
    assert wanted <= reached.keys(), f"never reached: {sorted(wanted - reached.keys())}"
    assert reached["batches sent"] > 1_000


@pytest.mark.parametrize(
    "slot", range(len(FRESH))
)  # a slot, so that a test has the same name in every process
def test_fresh_seeds_keep_every_promise(slot: int) -> None:
    print(f"seed {FRESH[slot]}")
    kept_promises(FRESH[slot])


@pytest.mark.parametrize("seed", [3, 12])
def test_a_seed_is_one_run_whatever_the_hash_seed(seed: int) -> None:
    digests = {digest_in_another_process(seed, hash_seed) for hash_seed in ("1", "2")}
    assert digests == {simulate(seed, STEPS).digest}


def digest_in_another_process(seed: int, hash_seed: str) -> str:
    code = f"from ottla.sim.report import simulate; print(simulate({seed}, {STEPS}).digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()
