"""What a client metrics subscription (KIP-714) asks of clients."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import MINUTE
from ottla.core.model.settings.setting import INT, LIST, Setting, later
from ottla.core.model.settings.valid import list_of

# fmt: off
CLIENT_METRICS: Final[tuple[Setting, ...]] = (
    later("metrics", LIST, (),
          "Prefixes of the metric names to collect; `*` collects all.", list_of()),
    later("interval.ms", INT, 5 * MINUTE,
          "How often clients push."),
    later("match", LIST, (),
          "Which clients are meant, as `attribute=regular expression` pairs; all when empty.", list_of()),
)
