"""A file twice: as the page cache shows it, and as it lies on the platter.

A write changes the page cache and marks sectors as dirty; only a sync moves them to the platter. When the power goes,
each dirty sector is there or is not or is torn, and the size is the old one, the new one, or one in between: file
systems write data and metadata in any order they like.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.sim.chance import SeededChance

SECTOR: Final = 512

_ALL, _NONE, _PREFIX, _ANY = "all", "none", "prefix", "any"
_FATES: Final = {_ALL: 2, _NONE: 2, _PREFIX: 4, _ANY: 4}
_TORN_SHARE: Final = 0.15


class Snapshot(NamedTuple):
    """What a sync takes with it: when it began, the size, and sector -> (version, bytes)."""

    version: int
    size: int
    sectors: dict[int, tuple[int, bytes]]


class Inode:
    """`data` is the page cache, `platter` what a power cut leaves at least of what was synced."""

    __slots__ = ("_synced", "_versions", "data", "dirty", "modified", "platter")

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.platter = bytearray(data)
        self.dirty: dict[int, int] = {}
        """Sector -> version of its contents."""
        self.modified = 0
        self._versions = 0
        self._synced = 0  # the version of the newest snapshot that was written down

    def write(self, data: bytes, at: int) -> None:
        held = self.data
        begin = min(at, len(held))
        if len(held) < at:
            held += bytes(at - len(held))
        held[at : at + len(data)] = data
        self._touch(begin, at + len(data))

    def truncate(self, size: int) -> None:
        """Cut, or lengthen with zeros."""
        self._versions += 1
        old = len(self.data)
        if size > old:
            self.data += bytes(size - old)
            self._touch(old, size)
            return
        del self.data[size:]
        for sector in [each for each in self.dirty if each * SECTOR >= size]:
            del self.dirty[sector]
        if size % SECTOR and size < old:
            self._touch(size - 1, size)

    def _touch(self, begin: int, end: int) -> None:
        self._versions += 1
        version = self._versions
        for sector in range(begin // SECTOR, -(-end // SECTOR)):
            self.dirty[sector] = version

    # -- the platter

    @property
    def synced(self) -> bool:
        """Whether a power cut would change nothing."""
        return not self.dirty and len(self.data) == len(self.platter)

    def snapshot(self) -> Snapshot:
        """What a sync that begins now will write."""
        view = self.data
        return Snapshot(
            self._versions,
            len(view),
            {
                each: (version, bytes(view[each * SECTOR : (each + 1) * SECTOR]))
                for each, version in self.dirty.items()
            },
        )

    def write_down(self, snapshot: Snapshot) -> None:
        """That sync has ended; one that began later may have ended before it, and has done its work too."""
        if snapshot.version < self._synced:
            return
        self._synced = snapshot.version
        _resize(self.platter, snapshot.size)
        for sector, (version, data) in snapshot.sectors.items():
            if sector not in self.dirty:
                continue  # cut off since, or written back as it is now
            self.platter[sector * SECTOR : sector * SECTOR + len(data)] = data
            if self.dirty.get(sector) == version:
                del self.dirty[sector]

    def lose_power(self, chance: SeededChance) -> None:
        """Become what is found after the power came back."""
        if self.synced:
            return
        fate = chance.weighted(_FATES)
        old, new = self.platter, self.data
        size = self._size_left(fate, chance)
        left = bytearray(old)
        _resize(left, size)
        sectors = sorted(each for each in self.dirty if each * SECTOR < size)
        reached = chance.below(len(sectors) + 1)
        for rank, sector in enumerate(sectors):
            data = new[sector * SECTOR : min((sector + 1) * SECTOR, size)]
            if fate == _NONE or (fate == _PREFIX and rank > reached) or (fate == _ANY and chance.often(0.4)):
                continue
            if fate != _ALL and (rank == reached or chance.often(_TORN_SHARE)):
                data = data[: chance.below(len(data) + 1)]
            left[sector * SECTOR : sector * SECTOR + len(data)] = data
        self.data = left
        self.platter = bytearray(left)
        self.dirty.clear()

    def _size_left(self, fate: str, chance: SeededChance) -> int:
        old, new = len(self.platter), len(self.data)
        if fate == _ALL:
            return new
        if fate == _NONE:
            return old
        if new <= old or chance.often(0.3):
            return chance.one((old, new))
        return chance.between(old, new)


def _resize(data: bytearray, size: int) -> None:
    if len(data) < size:
        data += bytes(size - len(data))
    else:
        del data[size:]
