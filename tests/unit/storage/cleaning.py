"""A shelf whose disk runs the cleaner's child in place."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ottla.broker.storage.cleaner import Cleaner, CleanerSettings
from ottla.broker.storage.cleaning_child import ENTRY, Cleaning, CleaningPlan, Throttle
from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.core.records.build import build
from ottla.core.records.record import Record
from tests.unit.storage.logs import Shelf
from tests.unit.storage.world import MemoryDisk

COMPACT = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=500,
    min_cleanable_dirty_ratio=0.01,
    delete_retention_ms=1000,
    file_delete_delay_ms=100,
    index_interval_bytes=100,
)


class CleaningDisk(MemoryDisk):
    """`meanwhile` is called between two groups of the child's, `plans` are what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[CleaningPlan] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def child(self, entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
        assert entry == ENTRY and progress is not None
        decoded = msgspec.msgpack.decode(plan, type=CleaningPlan)
        self.plans.append(decoded)

        def report(text: str) -> None:
            self.meanwhile()
            progress(text)

        try:
            work = Cleaning(decoded, self, Throttle(1e300, lambda: 0.0, lambda seconds: None))
            return msgspec.msgpack.encode(work.run(report))
        except Exception as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from error


class CleaningShelf(Shelf):
    """A store with a cleaner."""

    def __init__(self, config: LogConfig = COMPACT, *paths: str, memory: int = 1 << 20) -> None:
        super().__init__(*paths, config=config, disk=CleaningDisk())
        self.disk: CleaningDisk
        self.cleaner_settings = CleanerSettings(dedupe_buffer_size=memory)
        self.cleaner = self.new_cleaner()

    def new_cleaner(self) -> Cleaner:
        """As after a restart."""
        self.cleaner = Cleaner(self.clock, self.disk, lambda: self.store.logs(), self.cleaner_settings)
        return self.cleaner

    async def clean(self, rounds: int = 1) -> list[bool]:
        return [await self.cleaner.clean_dirtiest() for _ in range(rounds)]

    def names(self, log: Log, ending: str = "") -> list[str]:
        return [name for name in self.disk.list(log.path) if name.endswith(ending)]


def put(log: Log, key: bytes | None, value: bytes | None, *, wall: int, **fields: int) -> int:
    """Append one record and commit it; its offset."""
    data = build([Record(0, wall, key, value)], **fields)  # type: ignore[arg-type]
    appended = log.append(data, leader_epoch=0, wall=wall)
    log.update_high_watermark(log.end_offset)
    return appended.base_offset
