"""Emits the encoder of one message in one version: `encode(message, parts, cuts)`.

Pieces are appended to `parts`; a `records` field goes in as the object it is, and `cuts` remembers where. Neighbouring
fields of fixed size, and the length that follows them, are written by one `struct` call.
"""

from __future__ import annotations

from struct import Struct, pack
from typing import Any

from ottla.core.model.parts import size_of
from ottla.core.wire import primitives
from ottla.core.wire.declaration import RECORDS, STRING, UUID, Body, Field, Fixed, Wire
from ottla.core.wire.emit import Page, fields_of

HELPERS = ("varint", "string_varint", "absent", "bad_uuid", "SMALL")


def emit_encoder(cls: type[Body], version: int) -> Any:
    return EncoderPage(cls.wire, version).message(cls)


class EncoderPage(Page):
    """One encoder under construction.

    `_run` holds the fixed values met but not written yet, as (expression, letter); `_write` names the local that
    appends to the parts of what is being written now.
    """

    def __init__(self, wire: Wire, version: int) -> None:
        super().__init__()
        self._wire = wire
        self._version = version
        self._flexible = wire.flexible.includes(version)
        self._run: list[tuple[str, str]] = []
        self._write = "w"
        for helper in HELPERS:
            self.constants[helper] = getattr(primitives, helper)

    def message(self, cls: type[Body]) -> Any:
        self.line("w = parts.append")
        self._struct(cls, "m", cls.__name__)
        self._flush()
        return self.function(f"encode_{cls.__name__}_v{self._version}", "m, parts, cuts")

    # structs

    def _struct(self, cls: type[Body], owner: str, where: str) -> None:
        placed, tagged, absent = fields_of(cls, self._version)
        for field in absent:
            if not field.ignorable:
                with self.block(f"if {self._differs(field, f'{owner}.{field.name}')}:"):
                    self.line(f"raise absent('{where}.{field.name}')")
        for field in placed:
            self._field(field, f"{owner}.{field.name}", f"{where}.{field.name}")
        if self._flexible and tagged:
            self._tagged(tagged, owner, where)
        elif self._flexible:
            self._run.append(("", "x"))

    def _differs(self, field: Field, value: str) -> str:
        """The test for "does not hold its default"."""
        default = field.default
        if default is None:
            return f"{value} is not None"
        if isinstance(default, Body):
            return f"{value} != {self.constant(f'blank_{type(default).__name__}', default)}"
        if isinstance(default, list | str | bytes | bool) and not default and field.nullable.last < 0:
            return f"{value} != {self.constant('NIL', default)}" if field.kind is UUID else f"{value}"
        return f"{value} != {default!r}"

    def _field(self, field: Field, value: str, where: str) -> None:
        nullable = field.nullable.includes(self._version)
        if isinstance(field.kind, Fixed) and not field.array:
            if field.kind is UUID:
                with self.block(f"if len({value}) != 16:"):
                    self.line(f"raise bad_uuid({where!r})")
            self._run.append((value, field.kind.letter))
        elif isinstance(field.kind, type) and not field.array:
            self._nested(field, field.kind, value, where, nullable)
        else:
            self._variable(field, value, where, nullable)

    def _nested(self, field: Field, cls: type[Body], value: str, where: str, nullable: bool) -> None:
        """A single struct; one that may be null follows a byte that says so."""
        owner = self.name(field.name)
        self._flush()
        self.line(f"{owner} = {value}")
        if not nullable:
            self._struct(cls, owner, where)
            return
        with self.block(f"if {owner} is None:"):
            absent = b"\xff" if field.tag is None else b"\x00"
            self.line(f"{self._write}({absent!r})")
        with self.block("else:"):
            self._run.append(("1", "b"))
            self._struct(cls, owner, where)
            self._flush()

    # fixed sizes and lengths

    def _flush(self, length: str = "", letter: str = "") -> None:
        """Emit the `struct` call for the fixed values met so far and, if given, the length after them."""
        run, self._run = self._run, []
        if length:
            run.append((length, letter))
        if not run:
            return
        letters = "".join(each for _, each in run)
        if set(letters) == {"x"}:
            self.line(f"{self._write}({bytes(len(letters))!r})")
            return
        packer = self.constant(f"pack_{letters.replace('?', 't')}", Struct(f">{letters}").pack, shared=True)
        self.line(f"{self._write}({packer}({', '.join(value for value, each in run if each != 'x')}))")

    def _length(self, compact: bool, letter: str, of_string: bool = False) -> None:
        """Write `n`, a length or count, after the fixed values met so far."""
        if not compact:
            self._flush("n", letter)
            return
        run = list(self._run)
        self.line("n += 1")
        with self.block("if n < 128:"):
            if run:
                self._flush("n", "B")
            else:
                self.line(f"{self._write}(SMALL[n])")
        self._run = run
        with self.block("else:"):
            self._flush()
            self.line(f"{self._write}({'string_varint' if of_string else 'varint'}(n))")

    # strings, bytes, records, arrays

    def _variable(self, field: Field, value: str, where: str, nullable: bool) -> None:
        """Anything that begins with a length."""
        local = self.name(field.name)
        compact = self._flexible and not field.inflexible
        letter = "h" if field.kind is STRING and not field.array else "i"
        self.line(f"{local} = {value}")
        if not nullable:
            self._value(field, local, where, compact, letter)
            return
        run = list(self._run)
        with self.block(f"if {local} is None:"):
            self._flush("0" if compact else "-1", "B" if compact else letter)
        self._run = run
        with self.block("else:"):
            self._value(field, local, where, compact, letter)
            self._flush()

    def _value(self, field: Field, local: str, where: str, compact: bool, letter: str) -> None:
        if field.array:
            self.line(f"n = len({local})")
            self._length(compact, letter)
            self._elements(field, local, where)
        elif field.kind is STRING:
            self.line(f"{local} = {local}.encode()")
            self.line(f"n = len({local})")
            self._length(compact, letter, of_string=True)
            self.line(f"{self._write}({local})")
        elif field.kind is RECORDS:
            self.line(f"n = {self.constant('size_of', size_of)}({local})")
            self._length(compact, letter)
            self.line("cuts.append(len(parts))")
            self.line(f"{self._write}({local})")
        else:
            self.line(f"n = len({local})")
            self._length(compact, letter)
            self.line(f"{self._write}({local})")

    def _elements(self, field: Field, local: str, where: str) -> None:
        kind = field.kind
        if kind is UUID:
            with self.block(f"for element in {local}:"), self.block("if len(element) != 16:"):
                self.line(f"raise bad_uuid({where!r})")
            self.line(f"{self._write}(b''.join({local}))")
        elif isinstance(kind, Fixed):
            few = self.constant(f"pack_{kind.name}s", primitives.PACKERS[kind.letter])
            many = self.constant("pack", pack)
            with self.block(f"if {local}:"):
                self.line(f"n = len({local})")
                self.line(
                    f"{self._write}({few}[n](*{local}) if n < 16 else {many}(f'>{{n}}{kind.letter}', *{local}))"
                )
        elif isinstance(kind, type):
            element = self.name("m")
            with self.block(f"for {element} in {local}:"):
                self._struct(kind, element, where)
                self._flush()
        else:
            element = self.name("element")
            with self.block(f"for {element} in {local}:"):
                plain = field._replace(array=False)
                self._value(plain, element, where, self._flexible, "h" if kind is STRING else "i")

    # tagged fields

    def _tagged(self, fields: list[Field], owner: str, where: str) -> None:
        """Write the tagged fields that do not hold their default, each behind its number and size."""
        self._flush()
        tags, piece, append = self.name("tags"), self.name("piece"), self.name("w")
        outer, self._write = self._write, append
        self.line(f"{tags} = []")
        for field in fields:
            value = f"{owner}.{field.name}"
            with self.block(f"if {self._differs(field, value)}:"):
                self.line(f"{piece} = []")
                self.line(f"{append} = {piece}.append")
                self._field(field, value, f"{where}.{field.name}")
                self._flush()
                self.line(f"{piece} = b''.join({piece})")
                self.line(f"{tags}.append(varint({field.tag}) + varint(len({piece})) + {piece})")
        self._write = outer
        with self.block(f"if {tags}:"):
            self.line(f"{outer}(varint(len({tags})))")
            self.line(f"{outer}(b''.join({tags}))")
        with self.block("else:"):
            self.line(f"{outer}(b'\\x00')")
