"""CRC-32C (Castagnoli), the checksum of record batches and of producer snapshots (RFC 3720, appendix B.4).

The implementation is picked once, at import: `crc32c` and `awscrt` take any buffer, so a view over a network buffer
is summed where it lies; `google_crc32c`, which is always installed, takes only bytes and costs a copy of a view.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview"


def _pick() -> Callable[[Buffer, int], int]:
    for load in (_crc32c_extension, _awscrt):
        try:
            found: Callable[[Buffer, int], int] = load().crc32c
        except (ImportError, AttributeError):
            continue
        return found
    import google_crc32c

    extend = google_crc32c.extend

    def over_bytes(data: Buffer, crc: int = 0) -> int:
        value: int = extend(crc, data if type(data) is bytes else bytes(data))
        return value

    return over_bytes


def _crc32c_extension() -> ModuleType:
    """The C part of `crc32c` alone: the package around it imports a command line and half an e-mail library, which
    would be a tenth of a node's start. Raises ImportError."""
    package = find_spec("crc32c")
    where = package and package.submodule_search_locations
    spec = PathFinder.find_spec("crc32c._crc32c", where) if where else None
    if spec is None or spec.loader is None:
        raise ImportError("there is no crc32c with a C part here")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _awscrt() -> ModuleType:
    return import_module("awscrt.checksums")


_crc32c = _pick()


def crc32c(data: Buffer, crc: int = 0) -> int:
    """The CRC-32C of `data`, continuing from `crc`: `crc32c(b, crc32c(a)) == crc32c(a + b)`."""
    return _crc32c(data, crc)
