"""Java's `.properties` format.

One `key=value` a line; `=`, `:` or white space divides. A line that ends in an odd number of backslashes goes on in
the next one, whose leading white space does not count. `#` and `!` start a comment. `\\t`, `\\n`, `\\r`, `\\f` and
`\\uXXXX` mean what they mean in Java; before anything else a backslash only quotes. The last of two equal keys wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ottla.core.model.settings.kinds import InvalidSetting

_BLANK: Final = " \t\f"
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_UNICODE: Final = re.compile(r"[0-9a-fA-F]{4}", re.ASCII)
_NEWLINE: Final = re.compile(r"\r\n|\r|\n")


def parse_properties(text: str) -> dict[str, str]:
    """The text of a file as keys and values. Raises InvalidSetting for a broken `\\u` escape, naming the line."""
    found: dict[str, str] = {}
    for number, line in _logical_lines(text):
        key, value = _divide(line)
        try:
            found[_unescape(key)] = _unescape(value)
        except ValueError as error:
            raise InvalidSetting(f"line {number}: {error}") from None
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with something in them, continuations joined, comments left out; with the number of the first line."""
    pending = ""
    started = 0
    for number, natural in enumerate(_NEWLINE.split(text), 1):
        line = natural.lstrip(_BLANK)
        if not pending:
            if not line or line[0] in "#!":
                continue
            started = number
        if _goes_on(line):
            pending += line[:-1]
            # A line of a lone backslash still opens a logical line.
            pending = pending or " "
            continue
        whole = (pending + line).lstrip(_BLANK)
        pending = ""
        if whole:
            yield started, whole
    if pending.strip(_BLANK):
        yield started, pending.lstrip(_BLANK)


def _goes_on(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _divide(line: str) -> tuple[str, str]:
    """Key and value of a line, still escaped. The divider is the first `=`, `:` or blank that is not quoted."""
    at = 0
    while at < len(line) and line[at] not in "=:" + _BLANK:
        at += 2 if line[at] == "\\" else 1
    key, rest = line[:at], line[at:].lstrip(_BLANK)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANK)
    return key, rest


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out.append(text[at])
            at += 1
            continue
        following = text[at + 1 : at + 2]
        if following == "u":
            digits = text[at + 2 : at + 6]
            if _UNICODE.fullmatch(digits) is None:
                raise ValueError(f"\\u must be followed by four hexadecimal digits, not {digits!r}")
            out.append(chr(int(digits, 16)))
            at += 6
            continue
        out.append(_ESCAPES.get(following, following))
        at += 2
    return _join_surrogates("".join(out))


def _join_surrogates(text: str) -> str:
    """Java writes characters beyond the first plane as two `\\u` escapes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
