"""The checksum, whichever library answers."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from ottla.core.records import crc

LIBRARIES = ["crc32c", "awscrt.checksums", "google_crc32c"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_sums_the_same(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(library, reason=f"needs {library}")
    for other in LIBRARIES[: LIBRARIES.index(library)]:
        monkeypatch.setitem(sys.modules, other, None)
    crc32c = crc._pick()
    # The check values of RFC 3720, appendix B.4, and of the catalogues.
    assert crc32c(bytes(32), 0) == 0x8A9136AA
    assert crc32c(b"\xff" * 32, 0) == 0x62A8AB43
    for data in (b"123456789", bytearray(b"123456789"), memoryview(b"-123456789-")[1:-1]):
        assert crc32c(data, 0) == 0xE3069283
    assert crc32c(memoryview(b"456789"), crc32c(b"123", 0)) == 0xE3069283
    assert crc32c(b"", 77) == 77


def test_a_library_that_is_installed_is_taken() -> None:
    assert crc.crc32c(b"123456789") == 0xE3069283
    assert import_module("google_crc32c").value(b"123456789") == 0xE3069283
