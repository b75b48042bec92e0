"""What a node writes into its log while it is simulated: into the trace, and errors to the judge.

The log of a process is one for all; a simulated world therefore listens only while it runs, and is alone meanwhile.
"""

from __future__ import annotations

import logging
from collections import Counter
from types import TracebackType
from typing import Final

from ottla.sim.universe import Universe

REACHED: Final = {
    "Rolled": "segments rolled",
    "Cleaned": "rounds of compaction",
    "Cut": "damaged tails cut",
    "Deleting": "segments deleted by retention",
    "Deleted": "topics deleted",
    "Recovering": "recoveries",
    "Moved": "logs moved",
    "Wrote checkpoint": "metadata checkpoints",
    "Finishing an interrupted": "interrupted compactions finished",
    "Removing": "leftovers removed",
}
"""How a line of the log begins -> what has happened then. A campaign that never gets somewhere says nothing of it."""


class Complaints(logging.Handler):
    """A context. `errors` holds every line of level ERROR and above, with its traceback."""

    def __init__(self, universe: Universe) -> None:
        super().__init__(logging.INFO)
        self.errors: list[str] = []
        self.reached: Counter[str] = Counter()
        self._universe = universe
        self._log = logging.getLogger("ottla")
        self._before: tuple[int, bool] = (logging.NOTSET, True)
        self.setFormatter(logging.Formatter())

    def __enter__(self) -> Complaints:
        self._before = (self._log.level, self._log.propagate)
        self._log.addHandler(self)
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.removeHandler(self)
        self._log.setLevel(self._before[0])
        self._log.propagate = self._before[1]

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._universe.note("log", f"{record.levelname} {text}")
        for start, what in REACHED.items():
            if text.startswith(start):
                self.reached[what] += 1
        if record.levelno >= logging.ERROR:
            self.errors.append(self.format(record))
