"""Waiting for what other people's clients and nodes come to by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.samples import SECONDS


def until(
    holds: Callable[[], object], what: str, *, seconds: float = 2 * SECONDS, pause: float = 0.05
) -> None:
    """Fails with `what` when it does not hold in time. `pause` is for questions that cost something."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(pause)
