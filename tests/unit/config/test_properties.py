"""Java's properties format."""

from __future__ import annotations

import pytest

from ottla.broker.config.properties import parse_properties
from ottla.core.model.settings.kinds import InvalidSetting


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1", {"a": "1"}),
        ("a:1", {"a": "1"}),
        ("a 1", {"a": "1"}),
        ("  a \t=  1 ", {"a": "1 "}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a==1", {"a": "=1"}),
        ("a = = 1", {"a": "= 1"}),
        ("=1", {"": "1"}),
        ("# a=1\n! b=2\n\n  # c", {}),
        ("a=1\nb=2\r\nc=3\rd=4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=1,\\\n   2,\\\n\t3", {"a": "1,2,3"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=1\\\n# not a comment", {"a": "1# not a comment"}),
        ("a\\\n  b=1", {"ab": "1"}),
        ("a=1\\", {"a": "1"}),
        ("\\\n\\\n", {}),
        ("a\\=b=1", {"a=b": "1"}),
        ("a\\ b\\:c=1", {"a b:c": "1"}),
        ("a=\\t\\n\\r\\f\\q", {"a": "\t\n\r\fq"}),
        ("a=\\u00e9\\uD83D\\uDE00", {"a": "é😀"}),
        ("a=é", {"a": "é"}),
        ("a=C:\\\\dir", {"a": "C:\\dir"}),
    ],
)
def test_lines_become_keys_and_values(text: str, found: dict[str, str]) -> None:
    assert parse_properties(text) == found


def test_a_broken_escape_names_its_line() -> None:
    with pytest.raises(InvalidSetting, match=r"line 3: .*four hexadecimal digits"):
        parse_properties("a=1\n\nb=\\u12\n")
