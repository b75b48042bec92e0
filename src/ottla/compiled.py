"""Whether this installation runs compiled.

A wheel made by `make wheel` holds the modules of the data path as shared objects (docs/decisions/0012-compiled-modules.md);
a source checkout, and a wheel built without a compiler, hold Python alone. Both do the same.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

WITNESS: Final = "ottla.core.wire.frames"
"""One of the modules: all are compiled together or none is."""


def is_compiled() -> bool:
    spec = find_spec(WITNESS)
    return spec is not None and spec.origin is not None and not spec.origin.endswith(".py")
