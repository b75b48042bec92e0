"""What clients write: records of many shapes, each of them marked with its batch and its place."""

from __future__ import annotations

from typing import Final

from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record
from ottla.sim.chance import SeededChance
from ottla.sim.judge.facts import MARK, Sent

KEYS: Final = 12
"""So few that compaction has something to do."""
_CODECS: Final = {Codec.NONE: 6, Codec.GZIP: 1, Codec.SNAPPY: 1, Codec.LZ4: 2, Codec.ZSTD: 2}
_LARGE_BYTES: Final = 4_000


def some_records(chance: SeededChance, batch: int, wall: int, *, compacted: bool) -> list[Record]:
    """The records of one batch, with their offsets counted from 0."""
    count = chance.skewed(1, 12)
    return [
        Record(
            slot,
            wall + chance.between(-5_000, 5_000),
            _key(chance, compacted),
            _value(chance, compacted),
            ((MARK, f"{batch}.{slot}".encode()),),
        )
        for slot in range(count)
    ]


def _key(chance: SeededChance, compacted: bool) -> bytes | None:
    if not compacted and chance.often(0.2):
        return None
    return b"key-%d" % chance.below(KEYS)


def _value(chance: SeededChance, compacted: bool) -> bytes | None:
    if chance.often(0.2 if compacted else 0.05):
        return None
    if chance.often(0.02):
        return chance.bytes(8) * (chance.below(_LARGE_BYTES) // 8)
    return chance.bytes(chance.skewed(0, 300))


def packed(
    chance: SeededChance, sent: Sent, *, producer_id: int = -1, producer_epoch: int = -1, sequence: int = -1
) -> bytes:
    """The batch as it travels."""
    return build(
        sent.records,
        chance.weighted(_CODECS),
        base_offset=0,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=sequence,
    )
