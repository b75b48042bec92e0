r"""Input templates: how `-f` reads a line as a record.

    %k key    %v value    %h{%k=%v} one header (repeat it for more)    %t topic    %p partition    %T timestamp in ms

What stands between the verbs divides them: `%k:%v` reads `42:hello`, `%k\t%h{%k=%v}\t%v` reads three columns. A verb
ends where the text after it is found first; the last one takes the rest of the line. `%k{hex}` and `%v{base64}`
decode what they read.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Final

import msgspec

from ottla.cli.template import BadTemplate, tokens
from ottla.core.records.record import Header


class BadLine(ValueError):
    """A line that the template does not fit."""


class Draft(msgspec.Struct):
    """A record as far as its line says."""

    key: bytes | None = None
    value: bytes | None = None
    headers: list[Header] = []
    topic: str | None = None
    partition: int | None = None
    timestamp: int | None = None


class Field(msgspec.Struct, frozen=True):
    """A verb, and the text that ends it (empty: the end of the line)."""

    verb: str
    decode: Callable[[bytes], bytes]
    end: bytes


VERBS: Final = "kvtpT"
DIGITS_MAX: Final = 18
"""Of a partition or a timestamp: whatever has so many fits 64 bits."""


class LineTemplate:
    """A compiled input template."""

    def __init__(self, text: str) -> None:
        """Raises BadTemplate."""
        self.opening, self.fields = compile_fields(text.removesuffix("\\n").removesuffix("\n"))

    def read(self, line: bytes) -> Draft:
        """The record a line holds. Raises BadLine."""
        if not line.startswith(self.opening):
            raise BadLine(f"the line does not begin with {show(self.opening)}")
        draft = Draft(headers=[])
        at = len(self.opening)
        header_name = ""
        for field in self.fields:
            end = line.find(field.end, at) if field.end else len(line)
            if end < 0:
                raise BadLine(f"no {show(field.end)} after %{field.verb}")
            content = decoded(field, line[at:end])
            at = end + len(field.end)
            if field.verb == "name":
                header_name = content.decode("utf-8", "surrogateescape")
            elif field.verb == "content":
                draft.headers.append((header_name, content))
            else:
                take(draft, field.verb, content)
        if at != len(line):
            raise BadLine(f"{show(line[at:])} is left over")
        return draft


def take(draft: Draft, verb: str, content: bytes) -> None:
    if verb == "k":
        draft.key = content
    elif verb == "v":
        draft.value = content
    elif verb == "t":
        draft.topic = content.decode("utf-8", "replace")
    else:
        text = content.decode("ascii", "replace")
        if not text.isdigit() or len(text) > DIGITS_MAX:
            raise BadLine(f"%{verb} reads {text!r}, which is no number")
        if verb == "p":
            draft.partition = int(text)
        else:
            draft.timestamp = int(text)


def decoded(field: Field, content: bytes) -> bytes:
    try:
        return field.decode(content)
    except (binascii.Error, ValueError):
        raise BadLine(f"%{field.verb} cannot be decoded: {show(content)}") from None


def compile_fields(text: str) -> tuple[bytes, list[Field]]:
    """The text in front of the first verb, and the verbs, each with the text behind it."""
    flat = flatten(text)
    opening = b""
    fields: list[Field] = []
    for position, token in enumerate(flat):
        if isinstance(token, bytes):
            if position == 0:
                opening = token
            continue
        following = flat[position + 1] if position + 1 < len(flat) else b""
        if not isinstance(following, bytes):
            raise BadTemplate("two verbs need text between them, else nobody knows where the first one ends")
        fields.append(Field(token[0], decoder(token[1]), following))
    if not fields:
        raise BadTemplate("the template reads nothing: it has no %k and no %v")
    return opening, fields


def flatten(text: str) -> list[bytes | tuple[str, str | None]]:
    """Tokens with headers spelled out as a name and a content, and neighbouring literals joined."""
    flat: list[bytes | tuple[str, str | None]] = []
    for token in tokens(text):
        inner: list[bytes | tuple[str, str | None]] = [token]
        if not isinstance(token, bytes):
            if token[0] == "h":
                inner = header_tokens(token[1])
            elif token[0] not in VERBS:
                raise BadTemplate(f"%{token[0]} cannot be read; %k %v %h{{...}} %t %p %T can")
        for each in inner:
            if isinstance(each, bytes) and flat and isinstance(flat[-1], bytes):
                flat[-1] += each
            else:
                flat.append(each)
    return flat


def header_tokens(inner: str | None) -> list[bytes | tuple[str, str | None]]:
    parts = tokens(inner or "")
    verbs = [part[0] for part in parts if not isinstance(part, bytes)]
    if verbs != ["k", "v"]:
        raise BadTemplate("%h needs a template of one header, such as %h{%k=%v}")
    names = {"k": "name", "v": "content"}
    return [part if isinstance(part, bytes) else (names[part[0]], part[1]) for part in parts]


def decoder(how: str | None) -> Callable[[bytes], bytes]:
    if how is None:
        return lambda content: content
    if how == "hex":
        return binascii.unhexlify
    if how == "base64":
        return lambda content: binascii.a2b_base64(content, strict_mode=True)
    raise BadTemplate(f"{{{how}}} is neither {{hex}} nor {{base64}}")


def show(content: bytes) -> str:
    return repr(content.decode("utf-8", "replace"))
