r"""Output templates: what `-f` makes of a record.

    %t topic      %p partition    %o offset      %e leader epoch   %i count of records so far, from 1
    %k key        %v value        %K %V their lengths in bytes (-1: null); %s and %S are %v and %V, as in kcat
    %h{...}       the inner template for every header, with %k and %v its name and value; %H how many there are
    %h            all headers as name=value,name=value
    %T            timestamp, ms since 1970; %d{%F %T} through strftime, in UTC
    %x %y         producer id and epoch
    %%            a percent sign;  \n \t \r \0 \\ \xHH  as in C

`%k{hex}`, `%v{base64}` and `%v{json}` change how bytes are shown; a null is printed as nothing (`json`: null).
Templates work on bytes: a value goes out as it came in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from ottla.core.records.batch import BatchHeader
from ottla.core.records.record import Record


class BadTemplate(ValueError):
    """A template that cannot be read."""


class Shown(NamedTuple):
    """A record and what is known around it."""

    topic: str
    partition: int
    record: Record
    header: BatchHeader
    number: int
    """How many records were shown so far, this one included."""


Part: TypeAlias = Callable[[Shown], bytes]
Template: TypeAlias = Callable[[Shown], bytes]

LAST_DATED_MS: Final = 253_402_300_799_999
"""The end of the year 9999, behind which no calendar of Python goes; a producer may write any number."""
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}


def compile_template(text: str) -> Template:
    """A function from a record to bytes. Raises BadTemplate."""
    parts = compile_parts(text)
    return lambda shown: b"".join([part(shown) for part in parts])


def compile_parts(text: str) -> list[Part]:
    return [literal(token) if isinstance(token, bytes) else part_of(*token) for token in tokens(text)]


Token: TypeAlias = "bytes | tuple[str, str | None]"


def tokens(text: str) -> list[Token]:
    """Literal bytes, and verbs with what stands in braces behind them."""
    found: list[Token] = []
    plain = bytearray()
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            piece, at = escape(text, at)
            plain += piece
        elif letter == "%" and text[at + 1 : at + 2] in ("%", "{", "}"):
            plain += text[at + 1].encode()
            at += 2
        elif letter == "%":
            if plain:
                found.append(bytes(plain))
                plain.clear()
            if at + 1 == len(text):
                raise BadTemplate("a % stands alone at the end: write %% for a percent sign")
            inner, end = braces(text, at + 2)
            found.append((text[at + 1], inner))
            at = end
        else:
            plain += letter.encode()
            at += 1
    if plain:
        found.append(bytes(plain))
    return found


def escape(text: str, at: int) -> tuple[bytes, int]:
    r"""One `\` sequence: its bytes, and where it ends."""
    letter = text[at + 1 : at + 2]
    if letter in ESCAPES and letter:
        return ESCAPES[letter].encode(), at + 2
    if letter == "x":
        try:
            return bytes.fromhex(text[at + 2 : at + 4]), at + 4
        except ValueError:
            pass
    raise BadTemplate(f"{text[at : at + 4]!r} is no escape: \\n \\t \\r \\0 \\\\ \\xHH are")


def braces(text: str, at: int) -> tuple[str | None, int]:
    """What stands in balanced braces at `at`, if anything does, and where it ends."""
    if text[at : at + 1] != "{":
        return None, at
    depth = 0
    for end in range(at, len(text)):
        escaped = text[end - 1] == "%"
        if text[end] == "{" and not escaped:
            depth += 1
        elif text[end] == "}" and not escaped:
            depth -= 1
            if depth == 0:
                return text[at + 1 : end], end + 1
    raise BadTemplate(f"a brace is never closed: {text[at:]!r}")


def literal(content: bytes) -> Part:
    return lambda shown: content


def number(read: Callable[[Shown], int]) -> Part:
    return lambda shown: b"%d" % read(shown)


def length(content: bytes | None) -> int:
    return -1 if content is None else len(content)


NUMBERS: Final[dict[str, Callable[[Shown], int]]] = {
    "p": lambda shown: shown.partition,
    "o": lambda shown: shown.record.offset,
    "e": lambda shown: shown.header.leader_epoch,
    "i": lambda shown: shown.number,
    "K": lambda shown: length(shown.record.key),
    "V": lambda shown: length(shown.record.value),
    "S": lambda shown: length(shown.record.value),
    "H": lambda shown: len(shown.record.headers),
    "T": lambda shown: shown.record.timestamp,
    "x": lambda shown: shown.header.producer_id,
    "y": lambda shown: shown.header.producer_epoch,
}


def part_of(verb: str, inner: str | None) -> Part:
    """What one verb prints."""
    if verb in NUMBERS:
        if inner is not None:
            raise BadTemplate(f"%{verb} takes nothing in braces")
        return number(NUMBERS[verb])
    if verb == "t":
        return lambda shown: shown.topic.encode()
    if verb == "k":
        show = display(inner)
        return lambda shown: show(shown.record.key)
    if verb in ("v", "s"):
        show = display(inner)
        return lambda shown: show(shown.record.value)
    if verb == "h":
        return headers(inner)
    if verb == "d":
        return moment(inner)
    raise BadTemplate(f"%{verb} means nothing here")


def display(how: str | None) -> Callable[[bytes | None], bytes]:
    """How bytes are shown: as they are, hex, base64 or as a JSON string."""
    if how is None:
        return lambda content: content or b""
    if how == "hex":
        return lambda content: (content or b"").hex().encode()
    if how == "base64":
        from base64 import b64encode

        return lambda content: b64encode(content or b"")
    if how == "json":
        from msgspec import json

        return lambda content: json.encode(None if content is None else content.decode("utf-8", "replace"))
    raise BadTemplate(f"{{{how}}} is none of {{hex}}, {{base64}}, {{json}}")


def headers(inner: str | None) -> Part:
    """Every header through the inner template, in which %k and %v are its name and value."""
    if inner is None:
        return lambda shown: b",".join(
            [
                name.encode("utf-8", "surrogateescape") + b"=" + (value or b"")
                for name, value in shown.record.headers
            ]
        )
    parts = compile_parts(inner)

    def show(shown: Shown) -> bytes:
        pieces: list[bytes] = []
        for name, value in shown.record.headers:
            key = name.encode("utf-8", "surrogateescape")
            as_record = Record(shown.record.offset, shown.record.timestamp, key, value)
            each = shown._replace(record=as_record)
            pieces.extend(part(each) for part in parts)
        return b"".join(pieces)

    return show


def moment(pattern: str | None) -> Part:
    """A timestamp: in ms, or through strftime in UTC."""
    if pattern is None:
        return number(NUMBERS["T"])
    from datetime import UTC, datetime

    def show(shown: Shown) -> bytes:
        if shown.record.timestamp < 0:
            return b""
        if shown.record.timestamp > LAST_DATED_MS:
            return b"%d" % shown.record.timestamp
        return datetime.fromtimestamp(shown.record.timestamp / 1000, UTC).strftime(pattern).encode()

    return show
