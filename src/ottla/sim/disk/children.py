"""The child processes of a node, run inside the simulated world on the disk of their parent.

A real child opens the real disk for itself. Here the same work is handed the simulated one, and its failures come back
as a real child's do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from ottla.broker.storage import cleaning_child, recovery

if TYPE_CHECKING:
    from ottla.world.doors import Disk

Work = Callable[[bytes, "Disk", Callable[[str], None]], bytes]


def _clean(plan: bytes, disk: Disk, progress: Callable[[str], None]) -> bytes:
    decoded = msgspec.msgpack.decode(plan, type=cleaning_child.CleaningPlan)
    throttle = cleaning_child.Throttle(decoded.io_bytes_per_second, lambda: 0.0, lambda seconds: None)
    return msgspec.msgpack.encode(cleaning_child.Cleaning(decoded, disk, throttle).run(progress))


def _recover(plan: bytes, disk: Disk, progress: Callable[[str], None]) -> bytes:
    found = recovery.recover(disk, recovery.decode_plan(plan), lambda read: progress(str(read)))
    return msgspec.msgpack.encode(found)


CHILDREN: Final[dict[str, Work]] = {cleaning_child.ENTRY: _clean, recovery.CHILD_ENTRY: _recover}


def run_child(entry: str, plan: bytes, disk: Disk, progress: Callable[[str], None]) -> bytes:
    """Raises RuntimeError with the child's message when it fails."""
    try:
        return CHILDREN[entry](plan, disk, progress)
    except Exception as error:
        raise RuntimeError(f"{entry}: {type(error).__name__}: {error}") from error
