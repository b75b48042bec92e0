"""What is measured, one theme a file."""

from __future__ import annotations

from benchmarks.cases import (
    clients,
    consume,
    coordination,
    disturbance,
    latency,
    partitions,
    produce,
    recovery,
    single,
    start,
    validation,
)
from benchmarks.stage import Case

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        start.START,
        # These share one node, as long as it lives; its highest memory is that of the first four themes.
        *produce.CASES,
        *single.CASES,
        *consume.CASES,
        *latency.CASES,
        start.LOADED,
        start.ANSWER,
        start.TEST_BROKER,
        *coordination.CASES,
        *clients.CASES,
        *disturbance.CASES,
        partitions.SPARSE,
        # These have nodes of their own.
        partitions.MANY,
        *recovery.CASES,
        *coordination.OWN,
        *validation.CASES,
    )
}
"""In the order in which they run."""

THEMES = (
    produce.THEME,
    single.THEME,
    consume.THEME,
    latency.THEME,
    coordination.THEME,
    start.THEME,
    partitions.THEME,
    recovery.THEME,
    disturbance.THEME,
    validation.THEME,
    clients.THEME,
)
"""In the order in which they are shown."""
