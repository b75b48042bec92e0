"""Every way to spoil one field of a request on its way into bytes.

Follows the declaration of a request like an encoder and yields the whole body again and again, each time with one thing
changed: a number at its limits, a length that lies, a null where none may be, a tag nobody knows, an end too early.
What a field is called does not matter, so every API meets all of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ottla.core.wire.declaration import BOOL, STRING, UUID, Body, Field, Fixed, Kind, Wire
from ottla.core.wire.emit import fields_of
from ottla.core.wire.primitives import varint

LIMITS: Final = {"b": 1 << 7, "h": 1 << 15, "i": 1 << 31, "q": 1 << 63}
ENDLESS: Final = b"\xff\xff\xff\xff\x0f"
"""The largest varint of 32 bits, which is -1 to whoever takes it for signed."""
TOO_LONG: Final = b"\xff\xff\xff\xff\xff\x01"
UNKNOWN_TAG: Final = varint(9_999) + b"\2hi"


class Mangled(NamedTuple):
    """`what` was changed, as a path and what it became; `data` is what came of it."""

    what: str
    data: bytes

    def within(self, path: str, before: bytes, after: bytes) -> Mangled:
        return Mangled(path + self.what, before + self.data + after)


class Mangler:
    """For one message in one version."""

    def __init__(self, wire: Wire, version: int) -> None:
        self.version = version
        self.flexible = wire.flexible.includes(version)

    def bodies(self, request: Body) -> Iterator[Mangled]:
        """All of it for a whole request."""
        whole = self.struct(request)
        for count in sorted({0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1}):
            if 0 <= count < len(whole):
                yield Mangled(f" cut after {count} of {len(whole)} bytes", whole[:count])
        yield Mangled(" with bytes behind it", whole + b"more")
        for each in self.structs(request):
            if each.data != whole:
                yield each

    # as it should be

    def struct(self, body: Body) -> bytes:
        return b"".join(self._pieces(body)[1])

    def _pieces(self, body: Body) -> tuple[list[Field], list[bytes]]:
        """The fields in their place with the bytes of each; last the tagged section, if there is one."""
        placed, tagged, _ = fields_of(type(body), self.version)
        pieces = [self.field(field, getattr(body, field.name)) for field in placed]
        if self.flexible:
            told = [field for field in tagged if getattr(body, field.name) != field.default]
            section = [self._tag(field, self.field(field, getattr(body, field.name))) for field in told]
            pieces.append(varint(len(told)) + b"".join(section))
        return placed, pieces

    def field(self, field: Field, value: Any) -> bytes:
        if value is None:
            return self._null(field)
        if field.array:
            return self._count(len(value)) + b"".join(self.value(field.kind, each) for each in value)
        lead = b"\1" if isinstance(field.kind, type) and field.nullable.includes(self.version) else b""
        return lead + self.value(field.kind, value)

    def value(self, kind: Kind, value: Any) -> bytes:
        if isinstance(kind, Fixed):
            return struct.pack(f">{kind.letter}", value)
        if isinstance(kind, type):
            return self.struct(value)
        data = value.encode() if isinstance(value, str) else bytes(value)
        return self._length(kind, len(data)) + data

    def _null(self, field: Field) -> bytes:
        if isinstance(field.kind, type) and not field.array:
            return b"\xff" if field.tag is None else b"\0"
        return self._count(-1) if field.array else self._length(field.kind, -1)

    def _count(self, count: int) -> bytes:
        return varint(count + 1) if self.flexible else struct.pack(">i", count)

    def _length(self, kind: Kind, length: int) -> bytes:
        return self._count(length) if self.flexible or kind is not STRING else struct.pack(">h", length)

    @staticmethod
    def _tag(field: Field, data: bytes) -> bytes:
        return varint(field.tag or 0) + varint(len(data)) + data

    # as it should not be

    def structs(self, body: Body) -> Iterator[Mangled]:
        placed, pieces = self._pieces(body)
        for at, field in enumerate(placed):
            before, after = b"".join(pieces[:at]), b"".join(pieces[at + 1 :])
            for each in self.fields(field, getattr(body, field.name)):
                yield each.within(f".{field.name}", before, after)
        if self.flexible:
            for each in self._tagged(body):
                yield each.within("", b"".join(pieces[:-1]), b"")

    def fields(self, field: Field, value: Any) -> Iterator[Mangled]:
        if isinstance(field.kind, type) and not field.array:
            yield from self._nested(field, field.kind, value)
            return
        if field.array or not isinstance(field.kind, Fixed):
            yield Mangled("=null", self._null(field))
        if value is None:
            return
        if field.array:
            yield from self._arrays(field.kind, value)
        else:
            yield from self.values(field.kind, value)

    def _nested(self, field: Field, cls: type[Body], value: Any) -> Iterator[Mangled]:
        if field.nullable.includes(self.version):
            yield Mangled("=null", self._null(field))
            for lead in (b"\0", b"\2", b"\xfe"):
                yield Mangled(f" led by {lead.hex()}", lead + self.struct(value or cls()))
        if value is not None:
            lead = b"\1" if field.nullable.includes(self.version) else b""
            for each in self.structs(value):
                yield each.within("", lead, b"")

    def values(self, kind: Kind, value: Any) -> Iterator[Mangled]:
        if isinstance(kind, type):
            yield from self.structs(value)
        elif isinstance(kind, Fixed):
            yield from self._fixed(kind)
        else:
            yield Mangled("=''", self._length(kind, 0))
            yield Mangled("=300 letters", self._length(kind, 300) + b"x" * 300)
            yield Mangled("=no UTF-8", self._length(kind, 2) + b"\xff\xfe")
            yield Mangled("=a zero byte", self._length(kind, 3) + b"a\0b")
            yield Mangled(" longer than the request", self._length(kind, 30_000) + b"x")
            yield from self._lying_lengths(kind, self.value(kind, value)[len(self._length(kind, 0)) :])

    @staticmethod
    def _fixed(kind: Fixed) -> Iterator[Mangled]:
        if kind is UUID:
            for told in (bytes(16), bytes(15) + b"\1", b"\xff" * 16):
                yield Mangled(f"={told.hex()}", told)
        elif kind is BOOL:
            yield Mangled("=2", b"\2")
        elif kind.letter == "d":
            for number in (float("nan"), float("inf"), -1.0, 1e300):
                yield Mangled(f"={number}", struct.pack(">d", number))
        elif kind.letter.isupper():
            for number in (0, (1 << 8 * kind.size) - 1):
                yield Mangled(f"={number}", number.to_bytes(kind.size, "big"))
        else:
            limit = LIMITS[kind.letter]
            for number in (-limit, -1, 0, limit - 1):
                yield Mangled(f"={number}", struct.pack(f">{kind.letter}", number))

    def _arrays(self, kind: Kind, elements: list[Any]) -> Iterator[Mangled]:
        plain = [self.value(kind, each) for each in elements]
        whole = b"".join(plain)
        yield Mangled("=[]", self._count(0))
        yield Mangled(" twice the same", self._count(2 * len(elements)) + whole + whole)
        yield Mangled(" announces one too many", self._count(len(elements) + 1) + whole)
        if elements:
            yield Mangled(" announces one too few", self._count(len(elements) - 1) + whole)
        yield Mangled(" announces 300,000", self._count(300_000) + whole)
        yield from self._lying_lengths(None, whole)
        if elements:
            for each in self.values(kind, elements[0]):
                yield each.within("[0]", self._count(len(elements)), b"".join(plain[1:]))

    def _lying_lengths(self, kind: Kind | None, data: bytes) -> Iterator[Mangled]:
        if self.flexible:
            for name, length in (("2**32-1", ENDLESS), ("a varint without end", TOO_LONG)):
                yield Mangled(f" with the length {name}", length + data)
        else:
            letter = "h" if kind is STRING else "i"
            for number in (-2, -LIMITS[letter], LIMITS[letter] - 1):
                yield Mangled(f" with the length {number}", struct.pack(f">{letter}", number) + data)

    def _tagged(self, body: Body) -> Iterator[Mangled]:
        _, fields, _ = fields_of(type(body), self.version)
        told = [field for field in fields if getattr(body, field.name) != field.default]
        section = [self._tag(field, self.field(field, getattr(body, field.name))) for field in told]
        good = b"".join(section)
        yield Mangled(".unknown tag", varint(len(told) + 1) + good + UNKNOWN_TAG)
        yield Mangled(".unknown tag twice", varint(len(told) + 2) + good + UNKNOWN_TAG * 2)
        yield Mangled(".tags in no order", varint(len(told) + 1) + UNKNOWN_TAG + good)
        yield Mangled(".unknown tag longer than the request", varint(len(told) + 1) + good + b"\x63\x64")
        yield Mangled(".one tag announced, none there", varint(len(told) + 1) + good)
        yield Mangled(".tags without end", TOO_LONG + good)
        for at, field in enumerate(told):
            others = section[:at], section[at + 1 :]
            lead, rest = varint(len(told)) + b"".join(others[0]), b"".join(others[1])
            yield Mangled(f".{field.name} told twice", varint(len(told) + 1) + section[at] + good)
            data = self.field(field, getattr(body, field.name))
            number = varint(field.tag or 0)
            yield Mangled(f".{field.name} too short", lead + number + varint(len(data) - 1) + data + rest)
            yield Mangled(
                f".{field.name} too long", lead + number + varint(len(data) + 2) + data + b"hi" + rest
            )
            for each in self.fields(field, getattr(body, field.name)):
                yield Mangled(f".{field.name}{each.what}", lead + self._tag(field, each.data) + rest)
