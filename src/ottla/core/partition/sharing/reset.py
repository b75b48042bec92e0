"""Where a share group begins that nothing is kept of: `share.auto.offset.reset`."""

from __future__ import annotations

import re
from typing import Final

EARLIEST: Final = "earliest"
LATEST: Final = "latest"

_BY_DURATION: Final = re.compile(
    r"by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{0,9}))?S)?)?",
    re.ASCII | re.IGNORECASE,
)


def duration_ms(reset: str) -> int:
    """Milliseconds back from now, of a value `by_duration:PnDTnHnMn.nS`. Raises ValueError for another."""
    found = _BY_DURATION.fullmatch(reset)
    if found is None:
        raise ValueError(f"{reset!r} does not say how far to go back")
    days, hours, minutes, seconds, fraction = found.groups(default="")
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return whole * 1_000 + int(fraction[:3].ljust(3, "0"))
