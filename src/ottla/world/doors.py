"""The four doors: Clock, Network, Disk, Chance.

Everything a node does to the world goes through these protocols, so the same node runs on a machine
(`ottla.world.real`) and inside a simulated world that owns time, loses messages and tears writes. `broker/` and
`client/` therefore never touch `asyncio.sleep`, `call_later`, `to_thread`, streams or task groups; futures
(`Clock.future`) and `await` are theirs to use.

Errors: the Network and Disk doors raise `OSError` as the operating system would.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from ottla.core.model.parts import Part

T = TypeVar("T")


class Timer(Protocol):
    """A call that has not happened yet."""

    def cancel(self) -> None: ...


class Task(Protocol):
    """A coroutine under way."""

    def cancel(self) -> bool: ...

    def done(self) -> bool: ...

    def __await__(self) -> Any: ...


class Clock(Protocol):
    """Time, and what happens in it."""

    def now(self) -> int:
        """Monotonic milliseconds: for every deadline."""
        ...

    def micros(self) -> int:
        """Monotonic microseconds: for metrics only."""
        ...

    def wall(self) -> int:
        """Milliseconds since 1970: for record timestamps and retention only."""
        ...

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        """Call back when `now()` reaches `when` (at once if it has)."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> Timer:
        """Call back in the next turn of the loop."""
        ...

    async def sleep(self, ms: int) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> Task:
        """Run `work` beside everything else. A task that fails with nobody awaiting it is logged by its name."""
        ...

    def future(self) -> Future[Any]: ...


class Chance(Protocol):
    """Randomness."""

    def bytes(self, count: int) -> bytes: ...

    def below(self, bound: int) -> int:
        """A whole number in [0, bound)."""
        ...


class Address(msgspec.Struct, frozen=True):
    """One end of a connection."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Connection(Protocol):
    """A byte stream to a peer, as its owner writes to it."""

    @property
    def peer(self) -> Address: ...

    @property
    def local(self) -> Address: ...

    @property
    def unsent(self) -> int:
        """Bytes accepted by `send` that the kernel has not taken yet."""
        ...

    def send(self, parts: Sequence[Part]) -> None:
        """Queue parts in order. File slices are sent by whatever is cheapest and released when they have gone."""
        ...

    def pause(self) -> None:
        """Stop reading: the peer feels back-pressure."""
        ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Send what is queued, then close."""
        ...

    def abort(self) -> None:
        """Close now; what is queued is lost."""
        ...


class Session(Protocol):
    """The owner's end of a connection: what the door calls. Calls never overlap."""

    def opened(self, connection: Connection) -> None: ...

    def buffer(self) -> memoryview:
        """Where the next bytes go. Never empty; asked anew before every read."""
        ...

    def filled(self, count: int) -> None:
        """`count` bytes were put into the last `buffer()`."""
        ...

    def drained(self) -> None:
        """`unsent` fell to zero after having been above it."""
        ...

    def closed(self, error: OSError | None) -> None:
        """The connection is gone: None after an orderly end. The last call."""
        ...


class Listener(Protocol):
    """An open port."""

    @property
    def address(self) -> Address: ...

    def pause(self) -> None:
        """Accept nobody for now: who connects stands in the system's queue."""
        ...

    def resume(self) -> None:
        """Accept again."""
        ...

    def close(self) -> None:
        """Accept no more; connections already accepted stay."""
        ...


class Network(Protocol):
    """Byte streams."""

    def hostname(self) -> str:
        """The name under which other machines may find this one."""
        ...

    async def listen(
        self, host: str, port: int, accept: Callable[[], Session], *, backlog: int = 50
    ) -> Listener:
        """Open a port (0: any free one). Raises OSError when it cannot."""
        ...

    async def connect(self, host: str, port: int, session: Session, *, timeout: int = 30_000) -> Connection:
        """Open a stream within `timeout` ms. Raises OSError (TimeoutError among them) when it cannot."""
        ...


class File(Protocol):
    """An open file. Calls without `async` are short and run on the loop; anything that may wait is `async`.

    A file that a bounded cache may close is reopened on the next call; `pin` keeps it open meanwhile.
    """

    @property
    def path(self) -> str: ...

    def size(self) -> int: ...

    def write(self, parts: Sequence[bytes | memoryview], at: int) -> None:
        """Write all parts, one after the other, from position `at`. Short writes are continued."""
        ...

    def read(self, size: int, at: int) -> bytes:
        """Up to `size` bytes (fewer only at the end of the file). May wait for the disk: for small reads only."""
        ...

    def read_warm(self, size: int, at: int) -> bytes | None:
        """As `read`, but None when the bytes are not all in the page cache."""
        ...

    def is_warm(self, size: int, at: int) -> bool:
        """Whether that stretch seems to be in the page cache: samples it, reads nothing in."""
        ...

    async def read_cold(self, size: int, at: int) -> bytes:
        """As `read`, off the loop."""
        ...

    async def sync(self) -> None:
        """fsync, off the loop."""
        ...

    def sync_now(self) -> None:
        """fsync on the loop: only while starting, stopping or in a child process."""
        ...

    def truncate(self, size: int) -> None: ...

    def close(self) -> None: ...

    def pin(self) -> None: ...

    def unpin(self) -> None: ...


class FileSlice:
    """A stretch of a file on its way to a socket (see `core.model.parts.Slice`). Pins its file until released."""

    __slots__ = ("_held", "file", "position", "size")

    def __init__(self, file: File, position: int, size: int) -> None:
        self.file = file
        self.position = position
        self.size = size
        self._held = True
        file.pin()

    def release(self) -> None:
        """Let the file go. Called once by whoever sends or drops the slice; a second call does nothing."""
        if self._held:
            self._held = False
            self.file.unpin()

    def __repr__(self) -> str:
        return f"FileSlice({self.file.path}, {self.position}+{self.size})"


class DirectoryLock(Protocol):
    """A directory that is ours alone until released."""

    def release(self) -> None: ...


class Disk(Protocol):
    """Files and directories. Paths are absolute strings."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and writing; `create` makes it if it is missing (and never truncates)."""
        ...

    def exists(self, path: str) -> bool: ...

    def is_directory(self, path: str) -> bool: ...

    def size(self, path: str) -> int:
        """Bytes of a file, without opening it."""
        ...

    def modified(self, path: str) -> int:
        """Milliseconds since 1970 of the last change."""
        ...

    def set_modified(self, path: str, wall: int) -> None:
        """Let the last change of a file count as made at `wall`, in ms since 1970."""
        ...

    def list(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        ...

    def make_directory(self, path: str) -> None:
        """Make it and its parents; no error if it is there."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Atomic; replaces `new`. Durable only after `sync_directory`."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; no error if it is gone."""
        ...

    def remove_tree(self, path: str) -> None: ...

    def sync_directory(self, path: str) -> None:
        """Make renames, creations and removals in it durable."""
        ...

    async def sync_volume(self, path: str) -> None:
        """Make everything on the volume of `path` durable, off the loop: one call for thousands of files."""
        ...

    def usage(self, path: str) -> tuple[int, int]:
        """(total, usable) bytes of the volume."""
        ...

    def lock(self, path: str) -> DirectoryLock:
        """Take `path` (a `.lock` file) exclusively. Raises BlockingIOError when another process holds it."""
        ...

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Call `work` off the loop: only for calls that release the GIL (fsync, big codecs)."""
        ...

    async def child(self, entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
        """Run `entry` ("package.module:function", taking plan bytes and a progress callback, returning bytes) in a
        process of its own, which ends when this one does. Raises RuntimeError with the child's message if it fails."""
        ...


class ProcessFacts(msgspec.Struct, frozen=True):
    """What the operating system says of the process a node runs in; None where it does not say."""

    cpu_seconds: float
    resident_bytes: int | None
    open_files: int | None
    open_files_max: int
    start_time: float
    """Seconds since 1970."""


class World(msgspec.Struct, frozen=True):
    """All four doors, as a node receives them."""

    clock: Clock
    network: Network
    disk: Disk
    chance: Chance
