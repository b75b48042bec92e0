"""How long ago something was written down, told by a clock that nobody sets.

Records carry the time of the calendar, and what is done once in a while (a new assignment, a look at all topic names)
or when time is up (the abort of a transaction) waits until that is long enough ago. But a calendar may be set back, by
an hour or a year, and then nothing would be done until it has caught up. So as a record is applied its age is taken
once, and from there on counted in monotonic time. While the machine is at work records are applied as they are written:
their age is nothing. When it is loaded the calendar is asked.
"""

from __future__ import annotations

from ottla.core.coordination.contract import Moment


def written_at(moment: Moment, timestamp: int) -> int:
    """Monotonic milliseconds, for a record of this wall clock time that is applied at `moment`.

    What seems to come from the future was written just now.
    """
    return moment.now - max(moment.wall - timestamp, 0)


def is_over(moment: Moment, since: int | None, interval_ms: int) -> bool:
    """Whether so much time has passed since then. `since` None: it never was, or nobody knows when."""
    return since is None or not interval_ms or moment.now >= since + interval_ms
