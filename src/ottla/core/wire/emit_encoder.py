"""Emits the encoder of one message in one version: `encode(message, parts, cuts)`.

Pieces are appended to `parts`; a `records` field goes in as the object it is, and `cuts` remembers where. Neighbouring
fields of fixed size, and the length that follows them, are written by one `struct` call.
"""

from __future__ import annotations

from struct import Struct, pack
from typing import Any, Final

from ottla.core.model.parts import size_of
from ottla.core.wire import primitives
from ottla.core.wire.declaration import RECORDS, STRING, UUID, Body, Field, Fixed, Wire
from ottla.core.wire.emit import Page, fields_of

SHORT: Final = 16
"""Arrays of fewer numbers than this are written by a prepared `struct`."""

HELPERS: Final = ("varint", "string_varint", "absent", "bad_uuid", "SMALL")


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
            return value
        return f"{value} != {default!r}"

    def _field(self, field: Field, value: str, where: str) -> None:
        nullable = field.nullable.includes(self._version)
        if isinstance(field.kind, Fixed) and not field.array:
            if field.kind is UUID:
                self._check_uuid(value, where)
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

    def _length(self, length: str, compact: bool, letter: str, more: str = "varint") -> None:
        """Write a length or count after the fixed values met so far."""
        if not compact:
            self._flush(length, letter)
            return
        self.line(f"n = {length} + 1")
        run = list(self._run)
        with self.block("if n < 128:"):
            if run:
                self._flush("n", "B")
            else:
                self.line(f"{self._write}(SMALL[n])")
        self._run = run
        with self.block("else:"):
            self._flush()
            self.line(f"{self._write}({more}(n))")

    # strings, bytes, records, arrays

    def _variable(self, field: Field, value: str, where: str, nullable: bool) -> None:
        """Anything that begins with a length."""
        local = self.name(field.name)
        compact = self._flexible and not field.inflexible
        if not nullable:
            self._value(field, value, local, where, compact)
            return
        self.line(f"{local} = {value}")
        run = list(self._run)
        with self.block(f"if {local} is None:"):
            letter = "B" if compact else "h" if field.kind is STRING and not field.array else "i"
            self._flush("0" if compact else "-1", letter)
        self._run = run
        with self.block("else:"):
            self._value(field, local, local, where, compact)
            self._flush()

    def _value(self, field: Field, value: str, local: str, where: str, compact: bool) -> None:
        """Write what `value` says; `local` is a name to keep it under meanwhile."""
        if field.kind is STRING and not field.array:
            self.line(f"{local} = {value}.encode()")
            self._length(f"len({local})", compact, "h", "string_varint")
            self.line(f"{self._write}({local})")
            return
        if local != value:
            self.line(f"{local} = {value}")
        if field.array:
            self._array(field, local, where, compact)
        elif field.kind is RECORDS:
            self._length(f"{self.constant('size_of', size_of)}({local})", compact, "i")
            self.line("cuts.append(len(parts))")
            self.line(f"{self._write}({local})")
        else:
            self._length(f"len({local})", compact, "i")
            self.line(f"{self._write}({local})")

    def _array(self, field: Field, local: str, where: str, compact: bool) -> None:
        kind = field.kind
        if isinstance(kind, Fixed) and kind is not UUID:
            self._numbers(kind, local, compact)
            return
        self._length(f"len({local})", compact, "i")
        if kind is UUID:
            with self.block(f"for element in {local}:"):
                self._check_uuid("element", where)
            self.line(f"{self._write}(b''.join({local}))")
            return
        element = self.name(field.name)
        with self.block(f"for {element} in {local}:"):
            if isinstance(kind, type):
                self._struct(kind, element, where)
                self._flush()
            else:
                self._value(field._replace(array=False), element, self.name("element"), where, compact)

    def _numbers(self, kind: Fixed, local: str, compact: bool) -> None:
        """An array of numbers: a short one goes out in one call, with its count and the fixed values before it."""
        run = list(self._run)
        letters = "".join(letter for _, letter in run) + ("B" if compact else "i")
        table = tuple(Struct(f">{letters}{n}{kind.letter}").pack for n in range(SHORT))
        few = self.constant(f"pack_{letters.replace('?', 't')}_{kind.letter}s", table, shared=True)
        values = [value for value, letter in run if letter != "x"]
        self.line(f"n = len({local})")
        with self.block(f"if n < {SHORT}:"):
            arguments = ", ".join([*values, "n + 1" if compact else "n", f"*{local}"])
            self.line(f"{self._write}({few}[n]({arguments}))")
            self._run = []
        self._run = run
        with self.block("else:"):
            self._length("n", compact, "i")
            self.line(
                f"{self._write}({self.constant('pack', pack)}(f'>{{len({local})}}{kind.letter}', *{local}))"
            )

    def _check_uuid(self, value: str, where: str) -> None:
        with self.block(f"if len({value}) != 16:"):
            self.line(f"raise bad_uuid({where!r})")

    # tagged fields

    def _tagged(self, fields: list[Field], owner: str, where: str) -> None:
        """Write the tagged fields that do not hold their default, each behind its number and size."""
        differ = [self._differs(field, f"{owner}.{field.name}") for field in fields]
        run = list(self._run)
        with self.block(f"if {' or '.join(differ)}:"):
            self._flush()
            tags, piece, append = self.name("tags"), self.name("piece"), self.name("w")
            outer, self._write = self._write, append
            self.line(f"{tags} = []")
            for field, test in zip(fields, differ, strict=True):
                with self.block(f"if {test}:"):
                    self.line(f"{piece} = []")
                    self.line(f"{append} = {piece}.append")
                    self._field(field, f"{owner}.{field.name}", f"{where}.{field.name}")
                    self._flush()
                    self.line(f"{piece} = b''.join({piece})")
                    self.line(f"{tags}.append(varint({field.tag}) + varint(len({piece})) + {piece})")
            self._write = outer
            self.line(f"{outer}(varint(len({tags})))")
            self.line(f"{outer}(b''.join({tags}))")
        self._run = [*run, ("", "x")]
        with self.block("else:"):
            self._flush()
