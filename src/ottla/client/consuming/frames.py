"""Columns handed to Arrow, pandas and Polars.

Offsets and timestamps become arrays of 64-bit integers, bytes one buffer and the places in it: those are the buffers of Arrow's
format (https://arrow.apache.org/docs/format/Columnar.html), so Arrow and whoever reads it take them as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from importlib import import_module
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from ottla.client.errors import ClientError

if TYPE_CHECKING:
    from ottla.client.consuming.handing import Batch

OFFSETS_MAX: Final = 2**31 - 1
"""Bytes in one column of Arrow's `binary`; `large_binary` takes more."""


class NotInstalled(ClientError):
    """A library that is no part of Ottla is needed for this."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"{name} is not installed")
        self.hint = hint


def library(name: str, package: str | None = None) -> Any:
    """Raises NotInstalled."""
    try:
        return import_module(name)
    except ImportError as error:
        raise NotInstalled(name, f"pip install {package or name}") from error


def to_arrow(batch: Batch) -> Any:
    """A `pyarrow.RecordBatch` of offset, timestamp (ms, UTC), key and value. Raises NotInstalled."""
    pa = library("pyarrow")
    names = ["offset", "timestamp", "key", "value"]
    times = numbers(pa, batch.timestamps).cast(pa.timestamp("ms", tz="UTC"))
    columns = [numbers(pa, batch.offsets), times, contents(pa, batch.keys), contents(pa, batch.values)]
    return pa.RecordBatch.from_arrays(columns, names=names)


def to_polars(batch: Batch) -> Any:
    """A `polars.DataFrame` of the same columns, over Arrow's buffers. Raises NotInstalled."""
    return library("polars").from_arrow(to_arrow(batch))


def to_pandas(batch: Batch) -> Any:
    """A `pandas.DataFrame` of the same columns. Integers are taken as they are; pandas holds bytes as objects.

    Raises NotInstalled.
    """
    pd = library("pandas")
    times = pd.to_datetime(array("q", batch.timestamps), unit="ms", utc=True)
    frame = {
        "offset": array("q", batch.offsets),
        "timestamp": times,
        "key": batch.keys,
        "value": batch.values,
    }
    return pd.DataFrame(frame)


def numbers(pa: Any, values: Sequence[int]) -> Any:
    held = array("q", values)
    return pa.Array.from_buffers(pa.int64(), len(held), [None, pa.py_buffer(held)])


def contents(pa: Any, values: Sequence[Any]) -> Any:
    """Bytes as `binary` (or `large_binary`); what a deserializer made of them as pyarrow sees it."""
    if not all(value is None or type(value) is bytes for value in values):
        return pa.array(values)
    missing = values.count(None)
    known: Sequence[bytes] = [value or b"" for value in values] if missing else values
    data = b"".join(known)
    large = len(data) > OFFSETS_MAX
    places = array("q" if large else "i", accumulate(map(len, known), initial=0))
    kind = pa.large_binary() if large else pa.binary()
    buffers = [validity(pa, values) if missing else None, pa.py_buffer(places), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(known), buffers, null_count=missing)


def validity(pa: Any, values: Sequence[Any]) -> Any:
    """A bit for each value that is there, the first in the lowest bit."""
    bits = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        if value is not None:
            bits[index >> 3] |= 1 << (index & 7)
    return pa.py_buffer(bytes(bits))
