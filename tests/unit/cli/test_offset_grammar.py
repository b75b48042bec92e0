"""The offset grammar."""

from __future__ import annotations

import pytest

from ottla.cli.offset_grammar import (
    AtEnd,
    AtOffset,
    AtStart,
    AtTime,
    BadOffset,
    OffsetRange,
    parse_offsets,
)

NOW = 1_795_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("start", AtStart(), None),
        ("beginning", AtStart(), None),
        ("end", AtEnd(), None),
        ("+5", AtStart(5), None),
        ("-5", AtEnd(5), None),
        ("42", AtOffset(42), None),
        ("42:", AtOffset(42), None),
        ("5:7", AtOffset(5), AtOffset(7)),
        (":7", AtStart(), AtOffset(7)),
        (":end", AtStart(), AtEnd()),
        ("-3:end", AtEnd(3), AtEnd()),
        ("@1795000000000", AtTime(1_795_000_000_000), None),
        ("@1795000000", AtTime(1_795_000_000_000), None),
        ("@-1h", AtTime(NOW - 3_600_000), None),
        ("@-1h:end", AtTime(NOW - 3_600_000), AtEnd()),
        ("@-1h:30m", AtTime(NOW - 3_600_000), AtTime(NOW - 1_800_000)),
        ("@-2h:-1h", AtTime(NOW - 7_200_000), AtTime(NOW - 3_600_000)),
        ("@:-500ms", AtStart(), AtTime(NOW - 500)),
        ("@1970-01-02", AtTime(DAY), None),
        ("@1970-01-02:1970-01-03", AtTime(DAY), AtTime(2 * DAY)),
        ("@1970-01-02T00:00:00Z", AtTime(DAY), None),
        ("@1970-01-02T01:00:00+01:00", AtTime(DAY), None),
        ("@1970-01-02T00:00:00.250Z:1970-01-02T00:00:01Z", AtTime(DAY + 250), AtTime(DAY + 1_000)),
        ("@1970-01-02T00:00:00Z:2d", AtTime(DAY), AtTime(3 * DAY)),
    ],
)
def test_every_form(text: str, start: object, stop: object) -> None:
    assert parse_offsets(text, NOW) == OffsetRange(start, stop)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "ends", "1:x", "--1", "+", "@", "@:", "@yesterday", "@123", "@1h:x", "1.5", "²", "9" * 30]
)
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(BadOffset):
        parse_offsets(text, NOW)
