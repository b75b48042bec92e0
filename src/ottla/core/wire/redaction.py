"""Messages as text for a log, without what must not be there.

Which fields of a request or response those are stands in the API table. Long lists and long values are cut: a log line is for reading.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from ottla.core.wire.apis import API
from ottla.core.wire.declaration import Body, shape_of

MAX_ELEMENTS_SHOWN: Final = 5
MAX_CHARACTERS_SHOWN: Final = 80
CUT: Final = "…"

SENSITIVE: Final = {
    **{api.name + side: api.sensitive for api in API.values() for side in ("Request", "Response")},
    "ConfigRecord": frozenset({"value"}),
    "UserScramCredentialRecord": frozenset({"salt", "stored_key", "server_key"}),
}
"""Fields never shown, by message."""


def redacted(message: Body) -> str:
    """A message in one line: the fields that do not hold their default, sensitive ones as `…`."""
    return _struct(message, SENSITIVE.get(type(message).__name__, ()))


def _struct(body: Body, sensitive: Collection[str]) -> str:
    shown = []
    for field in shape_of(type(body)):
        value = getattr(body, field.name)
        if value != field.default:
            shown.append(f"{field.name}={CUT if field.name in sensitive else _value(value, sensitive)}")
    return f"{type(body).__name__}({', '.join(shown)})"


def _value(value: Any, sensitive: Collection[str]) -> str:
    if isinstance(value, Body):
        return _struct(value, sensitive)
    if isinstance(value, list):
        shown = [_value(each, sensitive) for each in value[:MAX_ELEMENTS_SHOWN]]
        if len(value) > len(shown):
            shown.append(f"{CUT} {len(value)} in all")
        return f"[{', '.join(shown)}]"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    text = repr(value)
    return text if len(text) <= MAX_CHARACTERS_SHOWN else text[:MAX_CHARACTERS_SHOWN] + CUT
