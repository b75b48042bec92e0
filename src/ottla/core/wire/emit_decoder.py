"""Emits the decoder of one message in one version: `decode(data, pos) -> (message, pos)`.

Neighbouring fields of fixed size, and the length that follows them, are read by one `struct` call into locals named
after the fields; each struct is then built in one positional call.
"""

from __future__ import annotations

from struct import Struct, unpack_from
from typing import Any, Final

from ottla.core.wire import primitives
from ottla.core.wire.declaration import RECORDS, STRING, UUID, Body, Field, Fixed, Wire, shape_of
from ottla.core.wire.emit import Page, fields_of, smallest

HELPERS: Final = (
    "read_varint",
    "more_length",
    "more_string",
    "skip_tags",
    "short",
    "null",
    "crowded",
)


def emit_decoder(cls: type[Body], version: int) -> Any:
    return DecoderPage(cls.wire, version).message(cls)


class DecoderPage(Page):
    """One decoder under construction.

    `_run` holds the fixed fields met but not read yet.
    """

    def __init__(self, wire: Wire, version: int) -> None:
        super().__init__()
        self._wire = wire
        self._version = version
        self._flexible = wire.flexible.includes(version)
        self._run: list[tuple[str, str]] = []
        self._has_records = False
        self._has_elements = False
        for helper in HELPERS:
            self.constants[helper] = getattr(primitives, helper)

    def message(self, cls: type[Body]) -> Any:
        built = self._struct(cls, cls.__name__)
        self.line(f"return {built}, pos")
        start = ["end = len(data)"]
        if self._has_records:
            start.append("view = memoryview(data)")
        if self._has_elements:
            asked_for = cls.__name__.endswith("Response")
            start.append(
                f"budget = {primitives.MAX_RESPONSE_ELEMENTS if asked_for else primitives.MAX_ELEMENTS}"
            )
        self.lines[:0] = [f"    {line}" for line in start]
        return self.function(f"decode_{cls.__name__}_v{self._version}", "data, pos")

    # structs

    def _struct(self, cls: type[Body], where: str) -> str:
        """Read the fields of a struct; returns the expression that builds it."""
        placed, tagged, _ = fields_of(cls, self._version)
        values = {field.name: self._field(field, f"{where}.{field.name}") for field in placed}
        if self._flexible:
            values |= self._tagged(tagged, where)
        self._read()
        shape = shape_of(cls)
        arguments = [values.get(field.name) or self._default(field) for field in shape]
        while arguments and shape[len(arguments) - 1].name not in values:
            arguments.pop()
        return f"{self.constant(cls.__name__, cls)}({', '.join(arguments)})"

    def _default(self, field: Field) -> str:
        if isinstance(field.default, Body):
            return f"{self.constant(type(field.default).__name__, type(field.default))}()"
        return repr(field.default)

    def _field(self, field: Field, where: str) -> str:
        """Read one field; returns the local that holds it."""
        target = self.name(field.name)
        nullable = field.nullable.includes(self._version)
        if field.array:
            self._array(field.kind, target, where, nullable)
        elif isinstance(field.kind, Fixed):
            self._run.append((target, field.kind.letter))
        elif isinstance(field.kind, str):
            self._bytes(field.kind, target, where, nullable, self._flexible and not field.inflexible)
        else:
            self._nested(field, field.kind, target, where, nullable)
        return target

    def _nested(self, field: Field, cls: type[Body], target: str, where: str, nullable: bool) -> None:
        """A single struct. One that may be null follows a byte that says so: signed in place, a varint in a tag."""
        if not nullable:
            self._set(target, self._struct(cls, where))
            return
        self._run.append(("n", "b" if field.tag is None else "B"))
        self._read()
        with self.block("if n < 0:" if field.tag is None else "if not n:"):
            self.line(f"{target} = None")
        with self.block("else:"):
            self._set(target, self._struct(cls, where))

    def _set(self, target: str, expression: str) -> None:
        self._read()
        self.line(f"{target} = {expression}")

    # fixed sizes and lengths

    def _read(self) -> None:
        """Emit the `struct` call for the fixed fields met so far."""
        run, self._run = self._run, []
        if not run:
            return
        letters = "".join(letter for _, letter in run)
        if letters == "B":
            self.line(f"{run[0][0]} = data[pos]")
            self.line("pos += 1")
            return
        layout = Struct(f">{letters}")
        unpack = self.constant(f"unpack_{letters.replace('?', 't')}", layout.unpack_from, shared=True)
        self.line(f"{', '.join(name for name, _ in run)}{',' if len(run) == 1 else ''} = {unpack}(data, pos)")
        self.line(f"pos += {layout.size}")

    def _length(self, compact: bool, letter: str, more: str) -> tuple[str, str]:
        """Read a length into `n`. Returns the test for null and the expression of the length itself."""
        self._run.append(("n", "B" if compact else letter))
        self._read()
        if not compact:
            return "n < 0", "n"
        with self.block("if n > 127:"):
            self.line(f"n, pos = {more}(data, pos, n)")
        return "not n", "n - 1"

    # strings, bytes, records

    def _bytes(self, kind: str, target: str, where: str, nullable: bool, compact: bool) -> None:
        string = kind is STRING
        is_null, length = self._length(
            compact, "h" if string else "i", "more_string" if string else "more_length"
        )
        with self.block(f"if {is_null}:"):
            self.line(f"{target} = None" if nullable else f"raise null({where!r})")
        if nullable:
            with self.block("else:"):
                self._slice(kind, target, where, length)
        else:
            self._slice(kind, target, where, length)

    def _slice(self, kind: str, target: str, where: str, length: str) -> None:
        self.line(f"stop = pos + {length}")
        with self.block("if stop > end:"):
            self.line(f"raise short({where!r}, end - pos)")
        if kind is STRING:
            self.line(f"{target} = data[pos:stop].decode('utf-8', 'replace')")
        else:
            self._has_records |= kind is RECORDS
            self.line(f"{target} = {'view' if kind is RECORDS else 'data'}[pos:stop]")
        self.line("pos = stop")

    # arrays

    def _array(self, kind: Any, target: str, where: str, nullable: bool) -> None:
        is_null, count = self._length(self._flexible, "i", "more_length")
        with self.block(f"if {is_null}:"):
            self.line(f"{target} = None" if nullable else f"raise null({where!r})")
        if nullable:
            with self.block("else:"):
                self._elements(kind, target, where, count)
        else:
            self._elements(kind, target, where, count)

    def _elements(self, kind: Any, target: str, where: str, count: str) -> None:
        if count != "n":
            self.line(f"n = {count}")
        self._has_elements = True
        self.line("budget -= n")
        if isinstance(kind, Fixed):
            self._numbers(kind, target, where)
            return
        least = smallest(kind, self._wire, self._version, compact=self._flexible)
        with self.block(f"if n * {least} > end - pos or budget < 0:"):
            self.line(f"raise crowded({where!r}, n, end - pos)")
        add = self.name("add")
        self.line(f"{target} = []")
        self.line(f"{add} = {target}.append")
        with self.block("for _ in range(n):"):
            if isinstance(kind, type):
                self.line(f"{add}({self._struct(kind, where)})")
            else:
                element = self.name("element")
                self._bytes(kind, element, where, False, self._flexible)
                self.line(f"{add}({element})")

    def _numbers(self, kind: Fixed, target: str, where: str) -> None:
        self.line(f"stop = pos + n * {kind.size}")
        with self.block("if stop > end or budget < 0:"):
            self.line(f"raise crowded({where!r}, n, end - pos)")
        if kind is UUID:
            self.line(f"{target} = [data[at : at + 16] for at in range(pos, stop, 16)]")
        else:
            few = self.constant(f"unpack_{kind.name}s", primitives.UNPACKERS[kind.letter])
            many = self.constant("unpack_from", unpack_from)
            self.line(
                f"{target} = list({few}[n](data, pos) if n < 16 else {many}(f'>{{n}}{kind.letter}', data, pos))"
            )
        self.line("pos = stop")

    # tagged fields

    def _tagged(self, fields: list[Field], where: str) -> dict[str, str]:
        """Read the tagged section; returns the locals of the tagged fields known here."""
        count, tag = self.name("tags"), self.name("tag")
        self._run.append((count, "B"))
        self._read()
        if not fields:
            with self.block(f"if {count}:"):
                self.line(f"pos = skip_tags(data, pos, {count}, end)")
            return {}
        values = {field.name: self.name(field.name) for field in fields}
        for field in fields:
            self.line(f"{values[field.name]} = {self._default(field)}")
        with self.block(f"if {count}:"):
            with self.block(f"if {count} > 127:"):
                self.line(f"{count}, pos = more_length(data, pos, {count})")
            with self.block(f"for _ in range({count}):"):
                self.line(f"{tag}, pos = read_varint(data, pos)")
                self.line("n, pos = read_varint(data, pos)")
                self._known_tags(fields, values, where, tag)
        return values

    def _known_tags(self, fields: list[Field], values: dict[str, str], where: str, tag: str) -> None:
        """Read the value of one tag. As in Kafka a known tag ends where its value does, whatever size it announced."""
        for n, field in enumerate(fields):
            with self.block(f"{'elif' if n else 'if'} {tag} == {field.tag}:"):
                self._set(values[field.name], self._field(field, f"{where}.{field.name}"))
        with self.block("else:"):
            self.line("pos += n")
            with self.block("if pos > end:"):
                self.line(f"raise short({f'{where}, an unknown tag'!r}, end - pos + n)")
