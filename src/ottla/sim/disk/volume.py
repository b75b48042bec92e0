"""The disk of one machine: a tree of files that outlives processes, and what can go wrong with it.

What programs see is changed by their calls; what is on the platter follows with syncs alone (`inode`, `directory`).
Faults are switches: `room` bounds what can be written, `broken` fails everything below a path, `fail_next` one call,
`lies` picks syncs that do nothing and say they did.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from ottla.sim.chance import SeededChance
from ottla.sim.disk.directory import Directory, Node
from ottla.sim.disk.inode import Inode


class Volume:
    """Paths are absolute. Raises OSError as an operating system does."""

    def __init__(self) -> None:
        self.root = Directory()
        self.locks: dict[str, object] = {}
        """Path -> who holds it."""
        self.room: int | None = None
        """Bytes that can be written yet; None: as many as one likes."""
        self.broken: dict[str, int] = {}
        """Path -> errno of every call at or below it."""
        self.fail_next: tuple[str, int] | None = None
        """(operation, errno): the next one fails."""
        self.lies: Callable[[str, str], bool] = lambda operation, path: False
        """Whether this "sync" or "sync_directory" of a path does nothing and says it did."""
        self.boots = 0
        """How often the power came back: what was under way in the kernel before is forgotten."""
        self.operations = 0
        self.watch: Callable[[str, str], None] = lambda operation, path: None
        """Called before every operation that changes something."""

    # -- finding

    def find(self, path: str) -> Node | None:
        node: Node = self.root
        for name in path.split("/"):
            if not name:
                continue
            if not isinstance(node, Directory):
                return None
            found = node.entries.get(name)
            if found is None:
                return None
            node = found
        return node

    def inode(self, path: str) -> Inode:
        """Raises FileNotFoundError, IsADirectoryError."""
        found = self.find(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if isinstance(found, Directory):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return found

    def directory(self, path: str) -> Directory:
        """Raises FileNotFoundError, NotADirectoryError."""
        found = self.find(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if not isinstance(found, Directory):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return found

    def parent(self, path: str) -> tuple[Directory, str]:
        above, _, name = path.rstrip("/").rpartition("/")
        return self.directory(above), name

    # -- changing

    def make_file(self, path: str) -> Inode:
        parent, name = self.parent(path)
        inode = Inode()
        parent.change((name, inode))
        return inode

    def make_directory(self, path: str) -> None:
        node = self.root
        for name in path.split("/"):
            if not name:
                continue
            found = node.entries.get(name)
            if found is None:
                found = Directory()
                if node is self.root:
                    node.settle((name, found))  # a mount point: its name is nobody's to sync
                else:
                    node.change((name, found))
            elif not isinstance(found, Directory):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            node = found

    def rename(self, old: str, new: str) -> None:
        node = self.find(old)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        target = self.find(new)
        if isinstance(target, Directory) and target.entries:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), new)
        (source, old_name), (goal, new_name) = self.parent(old), self.parent(new)
        if source is goal:
            source.change((old_name, None), (new_name, node))
            return
        # No file system loses a file between two directories: both sides are durable together.
        goal.settle((new_name, node))
        source.settle((old_name, None))

    def remove(self, path: str) -> None:
        """A file; nothing happens when it is gone."""
        node = self.find(path)
        if node is None:
            return
        parent, name = self.parent(path)
        parent.change((name, None))

    def take_room(self, wanted: int) -> int:
        """How many of these bytes still fit; they are taken."""
        if self.room is None:
            return wanted
        taken = max(min(wanted, self.room), 0)
        self.room -= taken
        return taken

    def give_room(self, count: int) -> None:
        if self.room is not None:
            self.room += count

    # -- faults

    def check(self, operation: str, path: str) -> None:
        """Count an operation, and fail it if it must. Raises OSError."""
        self.operations += 1
        if self.fail_next is not None and self.fail_next[0] == operation:
            number = self.fail_next[1]
            self.fail_next = None
            raise OSError(number, os.strerror(number), path)
        for prefix, number in self.broken.items():
            if path == prefix or path.startswith(prefix + "/"):
                raise OSError(number, os.strerror(number), path)

    def lose_power(self, chance: SeededChance) -> None:
        """Everything not synced is kept or lost as chance has it."""
        self.boots += 1
        self.root.lose_power(chance)
        self.locks.clear()

    def write_back(self, chance: SeededChance) -> None:
        """The kernel writes some of the files that are dirty, unasked."""
        for inode in self.root.inodes():
            if not inode.synced and chance.often(0.3):
                inode.write_down(inode.snapshot())
