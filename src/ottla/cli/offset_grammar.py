"""Where to start and where to stop, in rpk's grammar.

    start | end | N | +N | -N      from the start, the end, offset N, N after the start, N before the end
    :end | :N | A:B | N:           until the end of now, until before N, from A until before B, from N
    @T | @T1:T2 | @:T              from the first record at or after a time, until another

A time is a date (2026-11-22), an RFC 3339 moment (2026-11-22T10:00:00Z), seconds or milliseconds since 1970, or a
duration (90s, 15m, 24h, 7d): `-1h` counts back from now, in T2 a bare duration counts on from T1.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

SECOND: Final = 1_000
UNITS: Final = {"ms": 1, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND}
DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
OFFSET_MAX: Final = 2**63 - 1
LONGEST: Final = 100
"""Letters of a range: two moments to the microsecond take 66."""
ALIASES: Final = {
    "oldest": "start",
    "earliest": "start",
    "beginning": "start",
    "newest": "end",
    "latest": "end",
}


class AtStart(NamedTuple):
    """`plus` records after the oldest one."""

    plus: int = 0


class AtEnd(NamedTuple):
    """`minus` records before the end."""

    minus: int = 0


class AtOffset(NamedTuple):
    offset: int


class AtTime(NamedTuple):
    """The first record at or after a time, ms since 1970."""

    timestamp: int


Point: TypeAlias = "AtStart | AtEnd | AtOffset | AtTime"


class OffsetRange(NamedTuple):
    """From a point on, until before another; None: on and on."""

    start: Point
    stop: Point | None


class BadOffset(ValueError):
    """Text that the grammar does not know."""


def parse_offsets(text: str, now: int) -> OffsetRange:
    """Read the grammar; `now` in ms since 1970. Raises BadOffset."""
    text = text.strip()
    if len(text) > LONGEST:
        raise BadOffset(f"{text[:LONGEST]!r}… is no offset")
    if text.startswith("@"):
        return parse_times(text[1:], now)
    start, colon, stop = text.partition(":")
    if not colon:
        return OffsetRange(parse_point(start, text), None)
    return OffsetRange(
        parse_point(start, text) if start else AtStart(),
        parse_point(stop, text) if stop else None,
    )


def parse_point(text: str, whole: str) -> Point:
    word = ALIASES.get(text, text)
    if word == "start":
        return AtStart()
    if word == "end":
        return AtEnd()
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or int(digits) > OFFSET_MAX:
        raise BadOffset(f"{whole!r} is no offset")
    number = int(digits)
    if sign == "+":
        return AtStart(number)
    return AtEnd(number) if sign == "-" else AtOffset(number)


def parse_times(text: str, now: int) -> OffsetRange:
    """`T`, `T:`, `:T` or `T1:T2`; a moment's own colons belong to it."""
    for cut in [index for index, letter in enumerate(text) if letter == ":"]:
        first, second = text[:cut], text[cut + 1 :]
        try:
            return time_range(first, second, now)
        except BadOffset:
            continue
    return OffsetRange(AtTime(parse_time(text, now, now)), None)


def time_range(first: str, second: str, now: int) -> OffsetRange:
    if not first and not second:
        raise BadOffset("a time is missing")
    started = parse_time(first, now, now) if first else None
    start: Point = AtStart() if started is None else AtTime(started)
    if not second:
        return OffsetRange(start, None)
    if second == "end":
        return OffsetRange(start, AtEnd())
    return OffsetRange(start, AtTime(parse_time(second, now, now if started is None else started)))


def parse_time(text: str, now: int, origin: int) -> int:
    """A time in ms since 1970. Raises BadOffset."""
    duration = DURATION.fullmatch(text.removeprefix("-"))
    if duration:
        span = int(duration[1]) * UNITS[duration[2]]
        return max(0, now - span) if text.startswith("-") else origin + span
    if text.isascii() and text.isdigit():
        if len(text) == 13:
            return int(text)
        if len(text) in (9, 10):
            return int(text) * SECOND
        raise BadOffset(f"{text!r} is neither seconds (10 digits) nor milliseconds (13 digits) since 1970")
    return parse_moment(text)


def parse_moment(text: str) -> int:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadOffset(f"{text!r} is no time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * SECOND)
