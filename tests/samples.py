"""The records that travel through every client and every product."""

from __future__ import annotations

from dataclasses import dataclass

COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"]
SECONDS = 20
"""How long a client may wait for what should happen at once."""

Header = tuple[str, bytes | None]


@dataclass(frozen=True)
class Sample:
    """A record as a user means it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp: int = 1_700_000_000_000


SAMPLES = [
    Sample(b"key", b"value"),
    Sample(None, b"no key"),
    Sample(b"no value", None),
    Sample(None, None),
    Sample(b"", b""),
    Sample("schlüssel".encode(), "wert, значение, 値".encode(), timestamp=1_700_000_000_001),
    Sample(bytes(range(256)), bytes(range(255, -1, -1)), timestamp=1_700_000_000_500),
    Sample(b"headers", b"h", (("one", b"1"), ("two", b"2")), timestamp=1_700_000_001_000),
    Sample(
        b"headers", b"h", (("same", b"a"), ("same", b"b"), ("ключ", b"\x00\xff")), timestamp=1_700_000_002_000
    ),
    Sample(b"headers", b"h", (("null", None), ("empty", b"")), timestamp=1_700_000_003_000),
    *(Sample(b"k%d" % n, b"compressible " * n, timestamp=1_700_000_004_000 + n) for n in range(200)),
]
"""Everything a record can be, short of being large. Timestamps never go back."""

LARGE = Sample(b"large", bytes(range(256)) * 3906, timestamp=1_700_000_010_000)
"""A record of 1 MB, just under the default `message.max.bytes`."""
