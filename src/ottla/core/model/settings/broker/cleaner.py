"""Compaction: the cleaner that keeps the last record of every key."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import DAY, DOUBLE_MAX, KIB, LONG_MAX, MIB, SECOND
from ottla.core.model.settings.setting import BOOLEAN, CLUSTER_WIDE, DOUBLE, INT, LONG, Setting, works
from ottla.core.model.settings.valid import at_least, between

# fmt: off
CLEANER: Final[tuple[Setting, ...]] = (
    works("log.cleaner.enable", BOOLEAN, True,
          "Run the cleaner. Without it compacted topics, the committed offsets among them, grow for ever."),
    works("log.cleaner.threads", INT, 1,
          "Number of logs cleaned at a time, each by a process of its own.", at_least(0), CLUSTER_WIDE),
    works("log.cleaner.io.max.bytes.per.second", DOUBLE, DOUBLE_MAX,
          "Bytes a second the cleaner may read and write together.", CLUSTER_WIDE),
    works("log.cleaner.dedupe.buffer.size", LONG, 128 * MIB,
          "Memory for the map from keys to offsets, over all cleaners. Logs with more keys need several passes.", CLUSTER_WIDE),
    works("log.cleaner.io.buffer.size", INT, 512 * KIB,
          "Memory for the cleaner's reads and writes, over all cleaners.", at_least(0), CLUSTER_WIDE),
    works("log.cleaner.io.buffer.load.factor", DOUBLE, 0.9,
          "How full the key map may get: higher cleans more at a time, at the price of more hash collisions.", CLUSTER_WIDE),
    works("log.cleaner.backoff.ms", LONG, 15 * SECOND,
          "Pause of the cleaner when no log needs it.", at_least(0), CLUSTER_WIDE),
    works("log.cleaner.min.cleanable.ratio", DOUBLE, 0.5,
          "Share of a log that must be uncleaned before it is worth a pass.", between(0, 1), CLUSTER_WIDE),
    works("log.cleaner.delete.retention.ms", LONG, DAY,
          "How long tombstones stay in a compacted log, so that late readers see the deletion.", at_least(0), CLUSTER_WIDE),
    works("log.cleaner.min.compaction.lag.ms", LONG, 0,
          "A record younger than this is never compacted away.", at_least(0), CLUSTER_WIDE),
    works("log.cleaner.max.compaction.lag.ms", LONG, LONG_MAX,
          "A record older than this makes its log due for compaction, whatever the ratio says.", at_least(1), CLUSTER_WIDE),
)
