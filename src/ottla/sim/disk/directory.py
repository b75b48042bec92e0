"""A directory twice, as a file is: names as programs see them, and names on the platter.

Each directory is a little journal of its own: of what was done in it since its last sync, a power cut keeps the
beginning. Two directories promise each other nothing, and the sync of a file says nothing of its name: that is all POSIX
grants, and less than most file systems do.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import TypeAlias

from ottla.sim.chance import SeededChance
from ottla.sim.disk.inode import Inode

Node: TypeAlias = "Inode | Directory"
Step: TypeAlias = "tuple[tuple[str, Node | None], ...]"
"""One atomic change: (name, what it means from now on) for each name; None: nothing."""


class Directory:
    """`entries` is what programs see."""

    __slots__ = ("entries", "pending", "platter")

    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}
        self.platter: dict[str, Node] = {}
        self.pending: list[Step] = []

    def change(self, *step: tuple[str, Node | None]) -> None:
        """Do one atomic thing: add a name, drop one, or both at once."""
        _apply(self.entries, step)
        self.pending.append(step)

    def settle(self, *step: tuple[str, Node | None]) -> None:
        """The same, durable at once."""
        _apply(self.entries, step)
        _apply(self.platter, step)

    def sync(self) -> None:
        self.platter = dict(self.entries)
        self.pending.clear()

    def lose_power(self, chance: SeededChance) -> None:
        """Become what is found after the power came back, with everything below."""
        kept = len(self.pending)
        if kept and chance.often(0.7):
            kept = chance.below(kept + 1)
        for step in self.pending[:kept]:
            _apply(self.platter, step)
        self.entries = dict(self.platter)
        self.pending.clear()
        for name in sorted(self.entries):
            self.entries[name].lose_power(chance)

    def walk(self, path: str = "") -> Iterator[tuple[str, Directory]]:
        """(path, directory) of this one and of all below, by name."""
        yield path or "/", self
        for name in sorted(self.entries):
            node = self.entries[name]
            if isinstance(node, Directory):
                yield from node.walk(f"{path}/{name}")

    def inodes(self) -> list[Inode]:
        """Every file below, by name."""
        return [
            node
            for _, directory in self.walk()
            for _, node in sorted(directory.entries.items(), key=itemgetter(0))
            if isinstance(node, Inode)
        ]

    def sync_all(self) -> None:
        """Names and contents of everything below."""
        for _, directory in self.walk():
            directory.sync()
        for inode in self.inodes():
            inode.write_down(inode.snapshot())


def _apply(entries: dict[str, Node], step: Step) -> None:
    for name, node in step:
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node
