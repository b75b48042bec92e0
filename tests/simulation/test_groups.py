"""Groups and transactions in simulated worlds: known seeds, a few that nobody has seen, and a judge that judges."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from ottla.compiled import is_compiled
from ottla.core.groups.offsets.table import Offsets
from ottla.core.log.producers import ProducerStates
from ottla.core.transactions import ending
from ottla.sim.report import simulate
from ottla.sim.swarm import End
from tests.simulation.finding import STEPS, found

KNOWN = range(1, 25)
FRESH = [random.SystemRandom().randrange(10**9) for _ in range(4)]
WANTED = {
    "commits of older epochs taken",
    "consumed to the end",
    "consumer groups at rest",
    "instance ids not released",
    "late commits refused",
    "late heartbeats refused",
    "late acknowledgements refused",
    "late writes refused",
    "locks renewed",
    "members left",
    "members shut out",
    "offsets committed",
    "partitions owned",
    "records counted",
    "records shared again",
    "shared records done with",
    "shares of a generation",
    "static members away",
    "transactions aborted",
    "transactions committed",
    *(end.value for end in End),
}


def kept_promises(seed: int) -> Counter[str]:
    report = simulate(seed, STEPS, "groups")
    assert report.failure is None, f"\n{report.failure}"
    return report.reached


def test_known_seeds_keep_every_promise_and_get_everywhere() -> None:
    reached: Counter[str] = Counter()
    for seed in KNOWN:
        reached += kept_promises(seed)
    assert reached.keys() >= WANTED, f"never reached: {sorted(WANTED - reached.keys())}"
    assert reached["records counted"] > 1_000
    assert reached["shared to the end"] > 1_000


@pytest.mark.parametrize("slot", range(len(FRESH)))
def test_fresh_seeds_keep_every_promise(slot: int) -> None:
    print(f"seed {FRESH[slot]}")
    kept_promises(FRESH[slot])


def test_a_seed_is_one_run() -> None:
    assert simulate(3, STEPS, "groups").digest == simulate(3, STEPS, "groups").digest


# -- the judge

EXCHANGES_METHODS = pytest.mark.skipif(is_compiled(), reason="compiled methods cannot be exchanged")


def takes_what_a_transaction_wanted(patch: pytest.MonkeyPatch) -> None:
    """Offsets of transactions that were aborted count all the same."""
    ended = Offsets.ended
    patch.setattr(Offsets, "ended", lambda self, producer_id, committed: ended(self, producer_id, True))


def forgets_who_was_shut_out(patch: pytest.MonkeyPatch) -> None:
    """Partitions take batches of producers whose epoch is over, and so do coordinators."""
    patch.setattr(ProducerStates, "check_batch", lambda self, *_: None)
    patch.setattr("ottla.core.transactions.producing._check_writer", lambda known, epoch: None)


def commits_what_was_to_be_aborted(patch: pytest.MonkeyPatch) -> None:
    """Every end becomes a commit."""
    end = ending._end
    patch.setattr(
        ending,
        "_end",
        lambda state, moment, name, known, request, *rest: end(
            state, moment, name, known, request._replace(committed=True), *rest
        ),
    )


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(takes_what_a_transaction_wanted, marks=EXCHANGES_METHODS),
        pytest.param(forgets_who_was_shut_out, marks=EXCHANGES_METHODS),
        commits_what_was_to_be_aborted,
    ],
)
def test_a_broken_promise_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    found(range(1, 13))
