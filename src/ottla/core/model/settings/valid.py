"""What a setting accepts beyond its kind: ranges, choices, lists. Each rule knows its own words (`text`) for the docs.

`check(name, value)` raises InvalidSetting with the message Kafka gives for the same mistake.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import msgspec

from ottla.core.model.settings.addresses import bootstrap_server, voter
from ottla.core.model.settings.kinds import InvalidSetting, Value, invalid, shown


class Valid(Protocol):
    """One rule."""

    @property
    def text(self) -> str: ...

    def check(self, name: str, value: Value) -> None: ...


class Range(msgspec.Struct, frozen=True):
    """A number between two bounds, both included. Null is refused."""

    low: int | float | None
    high: int | float | None = None

    @property
    def text(self) -> str:
        low = "" if self.low is None else f"{shown(self.low)},"
        high = "" if self.high is None else f",{shown(self.high)}"
        return f"[{low}...{high}]"

    def check(self, name: str, value: Value) -> None:
        if value is None:
            raise invalid(name, "null", "Value must be non-null")
        if not isinstance(value, int | float):
            raise invalid(name, shown(value), "Expected a number")
        if self.low is not None and value < self.low:
            raise invalid(name, shown(value), f"Value must be at least {shown(self.low)}")
        if self.high is not None and value > self.high:
            raise invalid(name, shown(value), f"Value must be no more than {shown(self.high)}")


class RangeOr(msgspec.Struct, frozen=True):
    """A number between two bounds, or one special number (the "default level" of a codec)."""

    low: int
    high: int
    special: int

    @property
    def text(self) -> str:
        return f"[{self.low},...,{self.high}] or {self.special}"

    def check(self, name: str, value: Value) -> None:
        if not isinstance(value, int) or (value != self.special and not self.low <= value <= self.high):
            raise invalid(
                name,
                shown(value),
                f"Value must be between {self.low} and {self.high} or equal to {self.special}",
            )


class OneOf(msgspec.Struct, frozen=True):
    """One of some words."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"[{', '.join(self.words)}]"

    def check(self, name: str, value: Value) -> None:
        if value not in self.words:
            raise invalid(name, shown(value), f"String must be one of: {', '.join(self.words)}")


class OneOfAnyCase(msgspec.Struct, frozen=True):
    """One of some words, in whatever case. The words are declared in upper case."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"(case insensitive) [{', '.join(self.words)}]"

    def check(self, name: str, value: Value) -> None:
        if not isinstance(value, str) or value.upper() not in self.words:
            raise invalid(
                name, shown(value), f"String must be one of (case insensitive): {', '.join(self.words)}"
            )


class ListOf(msgspec.Struct, frozen=True):
    """A list without repetition, of any words or of the words named."""

    words: tuple[str, ...] = ()
    empty: bool = True
    null: bool = False

    @property
    def text(self) -> str:
        return f"[{', '.join(self.words)}]" if self.words else ""

    def check(self, name: str, value: Value) -> None:
        if value is None:
            if self.null:
                return
            raise InvalidSetting(f"Configuration '{name}' values must not be null.")
        if not isinstance(value, tuple):
            raise invalid(name, shown(value), "Expected a comma separated list.")
        if not value and not self.empty:
            raise InvalidSetting(
                f"Configuration '{name}' must not be empty. "
                f"Valid values include: {self.text or 'any non-empty value'}"
            )
        for word in value:
            if not word:
                raise InvalidSetting(f"Configuration '{name}' values must not be empty.")
            if self.words and word not in self.words:
                raise invalid(name, word, f"String must be one of: {', '.join(self.words)}")


class NotEmpty(msgspec.Struct, frozen=True):
    """Text that is not empty; null is fine."""

    @property
    def text(self) -> str:
        return "non-empty string"

    def check(self, name: str, value: Value) -> None:
        if value == "":
            raise invalid(name, "", "String must be non-empty")


class NotNull(msgspec.Struct, frozen=True):
    """Anything but null."""

    @property
    def text(self) -> str:
        return "non-null string"

    def check(self, name: str, value: Value) -> None:
        if value is None:
            raise invalid(name, "null", "entry must be non null")


class ThrottledReplicas(msgspec.Struct, frozen=True):
    """`*`, or a list of `partition:broker` pairs."""

    @property
    def text(self) -> str:
        return "[partitionId]:[brokerId],[partitionId]:[brokerId],..."

    def check(self, name: str, value: Value) -> None:
        pairs = [pair.strip() for pair in value] if isinstance(value, tuple) else [shown(value)]
        if "".join(pairs) != "*" and not all(_REPLICA.fullmatch(pair) for pair in pairs):
            raise invalid(
                name,
                shown(value),
                f"{name} must be the literal '*' or a list of replicas in the following format: {self.text}",
            )


class Voters(msgspec.Struct, frozen=True):
    """A list of `id@host:port`."""

    @property
    def text(self) -> str:
        return "non-empty list"

    def check(self, name: str, value: Value) -> None:
        for entry in value if isinstance(value, tuple) else ():
            voter(entry)


class BootstrapServers(msgspec.Struct, frozen=True):
    """A list of `host:port`."""

    @property
    def text(self) -> str:
        return "non-empty list"

    def check(self, name: str, value: Value) -> None:
        for entry in value if isinstance(value, tuple) else ():
            bootstrap_server(entry)


class AutoOffsetReset(msgspec.Struct, frozen=True):
    """`earliest`, `latest`, or `by_duration:` and a duration that is not negative (KIP-932)."""

    @property
    def text(self) -> str:
        return "[latest, earliest, by_duration:PnDTnHnMn.nS]"

    def check(self, name: str, value: Value) -> None:
        if value in ("earliest", "latest"):
            return
        if isinstance(value, str) and value.startswith("by_duration:") and _DURATION.fullmatch(value[12:]):
            return
        raise invalid(
            name,
            shown(value),
            f"Invalid value `{shown(value)}` for configuration {name}. The value must be either "
            "'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
        )


_REPLICA: Final = re.compile(r"([0-9]+:[0-9]+)?", re.ASCII)
_DURATION: Final = re.compile(
    r"P(?=[0-9T])([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+([.,][0-9]{0,9})?S)?)?",
    re.ASCII | re.IGNORECASE,
)


def at_least(low: int) -> Range:
    return Range(low)


def between(low: int | float, high: int | float) -> Range:
    return Range(low, high)


def one_of(*words: str) -> OneOf:
    return OneOf(words)


def list_of(*words: str, empty: bool = True, null: bool = False) -> ListOf:
    return ListOf(words, empty, null)
