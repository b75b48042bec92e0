"""The nine kinds of a config value: how text becomes a value and a value becomes text again.

The rules are Java's, because files, clients and stored records were written for them: numbers take a sign but no
underscores, `true` may be written in any case, a list is split at commas, a double prints as Java prints it.
The numbers of the kinds are those of DescribeConfigs.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, TypeAlias

INT_MAX: Final = 2**31 - 1
LONG_MAX: Final = 2**63 - 1
DOUBLE_MAX: Final = 1.7976931348623157e308
KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Kind(IntEnum):
    """What a value is. The number is `ConfigType` of DescribeConfigs."""

    UNKNOWN = 0
    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class InvalidSetting(ValueError):
    """A value a setting does not take, or settings that do not go together. The text is Kafka's."""


class Password:
    """A secret: prints as `[hidden]`, its text is in `value`."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "[hidden]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Password) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


Value: TypeAlias = "bool | int | float | str | tuple[str, ...] | Password | None"

_WIDTH: Final = {Kind.SHORT: 15, Kind.INT: 31, Kind.LONG: 63}
_WHOLE: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DOUBLE: Final = re.compile(
    r"([+-]?)(NaN|Infinity|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?", re.ASCII
)
_BLANK: Final = " \t\n\r\f\v"
_TRIMMED: Final = "".join(map(chr, range(33)))
"""What Java trims: every control character and the space, and no other blank."""


def invalid(name: str, value: object, why: str | None = None) -> InvalidSetting:
    """The error for one value, in the words clients know."""
    return InvalidSetting(f"Invalid value {value} for configuration {name}" + (f": {why}" if why else ""))


def parse(name: str, kind: Kind, text: str) -> Value:
    """Text to value. Raises InvalidSetting."""
    trimmed = text.strip(_TRIMMED)
    if kind in _WIDTH:
        return _whole(name, kind, text, trimmed)
    if kind is Kind.BOOLEAN:
        lower = trimmed.lower()
        if lower not in ("true", "false"):
            raise invalid(name, text, "Expected value to be either true or false")
        return lower == "true"
    if kind is Kind.LIST:
        return tuple(part.strip(_BLANK) for part in trimmed.split(",")) if trimmed else ()
    if kind is Kind.DOUBLE:
        found = _DOUBLE.fullmatch(trimmed)
        if found is None:
            raise invalid(name, text, "Not a number of type DOUBLE")
        return float(found[1] + found[2].replace("Infinity", "inf"))
    if kind is Kind.PASSWORD:
        return Password(trimmed)
    return trimmed


def _whole(name: str, kind: Kind, text: str, trimmed: str) -> int:
    # 20 digits cover every long; the bound keeps a hostile value from costing a big-integer conversion.
    if len(trimmed) > 64 or _WHOLE.fullmatch(trimmed) is None:
        raise invalid(name, text, f"Not a number of type {kind.name}")
    value = int(trimmed)
    limit = 1 << _WIDTH[kind]
    if not -limit <= value < limit:
        raise invalid(name, text, f"Not a number of type {kind.name}")
    return value


def text_of(value: Value) -> str | None:
    """Value to text, as DescribeConfigs answers it: the inverse of `parse`. None stays None."""
    if value is None:
        return None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, Password):
        return value.value
    return str(value)


def shown(value: Value) -> str:
    """Value as it stands in an error message: lists in brackets, secrets hidden."""
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    if isinstance(value, Password):
        return repr(value)
    text = text_of(value)
    return "null" if text is None else text


def java_double(value: float) -> str:
    """A double as Java prints it: plain between 10⁻³ and 10⁷, otherwise like `1.0E10`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        mantissa, _, exponent = _scientific(value).partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{int(exponent)}"


def _scientific(value: float) -> str:
    """The shortest digits of `value` (as repr finds them) in scientific form."""
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            return text
    return f"{value:.17e}"
