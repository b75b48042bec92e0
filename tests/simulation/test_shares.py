"""Share groups in simulated worlds: a few seeds in which much is shared, and a judge that judges them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ottla.broker.sharing.shared import Shared
from ottla.broker.sharing.sharing import Sharing
from ottla.core.partition.sharing.share_partition import SharePartition
from ottla.core.partition.sharing.values import Limits, RecordState, StateBatch
from ottla.sim.report import simulate
from tests.simulation.finding import STEPS, found

SEEDS = range(101, 125)


def test_shared_records_are_judged_and_found_in_order() -> None:
    for seed in SEEDS:
        report = simulate(seed, STEPS, "groups")
        assert report.failure is None, f"\n{report.failure}"


# -- the judge


def ignores_locks(patch: pytest.MonkeyPatch) -> None:
    """A lock ends almost as soon as it was taken."""
    acquire = SharePartition.acquire

    def hasty(self: SharePartition, now: int, *rest: object) -> object:
        return acquire(self, now - self.limits.lock_ms + 50, *rest)  # type: ignore[arg-type]

    patch.setattr(SharePartition, "acquire", hasty)


def does_not_wait_for_the_write(patch: pytest.MonkeyPatch) -> None:
    """What members say is answered while it is being written."""
    keep = Shared._keep

    def at_once(self: Shared, change: object) -> None:
        keep(self, change)  # type: ignore[arg-type]

    patch.setattr(Shared, "_keep", at_once)


def forgets_what_is_done_with(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes a share partition over delivers all of it anew."""
    load = SharePartition.load

    def forgetful(self: SharePartition, start: int, epoch: int, batches: list[StateBatch]) -> None:
        load(self, start, epoch, [each._replace(state=RecordState.AVAILABLE) for each in batches])

    patch.setattr(SharePartition, "load", forgetful)


def takes_what_was_held_for_done(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes a share partition over leaves out what somebody held."""
    load = SharePartition.load

    def hurried(self: SharePartition, start: int, epoch: int, batches: list[StateBatch]) -> None:
        load(self, batches[0].first if batches else start, epoch, batches)

    patch.setattr(SharePartition, "load", hurried)


def delivers_once_too_often(patch: pytest.MonkeyPatch) -> None:
    """The limit counts from the second delivery on."""
    limits = Sharing.limits

    def generous(self: Sharing, group: str) -> Limits:
        found = limits(self, group)
        return found._replace(deliveries=found.deliveries + 1)

    patch.setattr(Sharing, "limits", generous)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (ignores_locks, "two hold one record"),
        (does_not_wait_for_the_write, "was done with, and is delivered"),
        (forgets_what_is_done_with, "was done with, and is delivered"),
        (takes_what_was_held_for_done, "counts as done with"),
        (delivers_once_too_often, "are allowed"),
    ],
)
def test_a_broken_promise_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    found(SEEDS, told)
