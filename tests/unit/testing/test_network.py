"""The half of an answer that leaves before a connection is cut."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.model.parts import Part
from ottla.testing.network import first_half
from ottla.world.doors import FileSlice


class Pinned:
    """`world.doors.File`, as far as a stretch of it needs one."""

    path = "log"

    def __init__(self) -> None:
        self.pins = 0

    def pin(self) -> None:
        self.pins += 1

    def unpin(self) -> None:
        self.pins -= 1

    def read(self, size: int, position: int) -> bytes:
        return b"0123456789"[position : position + size]


@pytest.mark.parametrize(
    ("parts", "half"),
    [
        ([b""], b""),
        ([b"a"], b""),
        ([b"abcd"], b"ab"),
        ([b"ab", memoryview(b"cd"), b"efgh"], b"abcd"),
        ([b"abcdef", b"g"], b"abc"),
    ],
)
def test_bytes(parts: list[Part], half: bytes) -> None:
    assert first_half(parts) == half


def test_files_are_let_go() -> None:
    file = Pinned()
    stretch: Any = FileSlice(file, 2, 6)  # type: ignore[arg-type]
    assert first_half([b"ab", stretch, b"cd"]) == b"ab234"
    assert file.pins == 0
