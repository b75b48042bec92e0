"""What a dump is made of: rows, each with a kind, and the first fault that ended it."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


class Broken(Exception):
    """The file stops making sense at `position`."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"at position {position}: {message}")
        self.position = position


class NoLogFile(Exception):
    """A file that is none of a log's."""


class Options:
    """What of a segment is wanted. `decoder` names how record contents are read, see `decoders`."""

    __slots__ = ("decoder", "deep", "print_data")

    def __init__(self, *, deep: bool, print_data: bool, decoder: str) -> None:
        self.deep = deep
        self.print_data = print_data
        self.decoder = decoder
