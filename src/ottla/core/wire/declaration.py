"""The words a message is declared with.

A message is a class. Its annotations say what goes over the wire, in order:

    @message("4-18", flexible="12+", key=1)
    class FetchRequest(Body):
        cluster_id: Annotated[str | None, Tag(0, "12+", ignorable=True)] = None
        replica_id: Annotated[int32, In("4-14")] = -1
        max_wait_ms: int32 = 0
        topics: list[FetchTopic] = []

* A field without marks is there in every version of its message. `In("7+")` narrows that. A field that is absent
  in some version must hold its default when that version is written, unless it is `ignorable`.
* `| None` makes a field nullable; `Nullable("9+")` narrows the versions in which it may be null.
* `Tag(0, "12+")` makes it a tagged field (KIP-482): written at the end of its struct, and only when it does not
  hold its default.
* Versions are those of the outermost message, also inside nested structs. From the first `flexible` version on,
  lengths are varints and every struct ends with its tagged fields.

`shape_of` reads a class once into the `Field`s that the codec, the tests and the documentation work with.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)
from typing import get_type_hints as resolve

import msgspec

from ottla.core.model.ids import Uuid
from ottla.core.model.parts import Slice

LAST: Final = 32767
"""The open end of `"3+"`: versions are int16."""


class Versions(NamedTuple):
    """A closed range of versions; empty when `first > last`."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Versions:
        """`"3"`, `"3-7"`, `"3+"` or `"none"`. Raises ValueError for anything else."""
        if text == "none":
            return NEVER
        if text.endswith("+"):
            return cls(int(text[:-1]), LAST)
        first, dash, last = text.partition("-")
        return cls(int(first), int(last if dash else first))

    def includes(self, version: int) -> bool:
        return self.first <= version <= self.last

    def within(self, outer: Versions) -> Versions:
        """The part of this range that lies in `outer`."""
        both = Versions(max(self.first, outer.first), min(self.last, outer.last))
        return both if both.first <= both.last else NEVER

    def each(self) -> range:
        return range(self.first, self.last + 1)

    def __str__(self) -> str:
        if self.first > self.last:
            return "none"
        if self.last == LAST:
            return f"{self.first}+"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


NEVER: Final = Versions(0, -1)
ALWAYS: Final = Versions(0, LAST)


class Fixed(NamedTuple):
    """A type of fixed size: its name in Kafka's definitions, its `struct` letter, its size in bytes."""

    name: str
    letter: str
    size: int


class In:
    """The versions a field is there in. `ignorable`: dropped without complaint where it is not."""

    __slots__ = ("ignorable", "versions")

    def __init__(self, versions: str, *, ignorable: bool = False) -> None:
        self.versions = Versions.parse(versions)
        self.ignorable = ignorable


class Nullable:
    """The versions a field may be null in, where that is not all of them."""

    __slots__ = ("versions",)

    def __init__(self, versions: str) -> None:
        self.versions = Versions.parse(versions)


class Tag:
    """A tagged field, by its number and the versions it is there in."""

    __slots__ = ("ignorable", "number", "versions")

    def __init__(self, number: int, versions: str = "0+", *, ignorable: bool = False) -> None:
        self.number = number
        self.versions = Versions.parse(versions)
        self.ignorable = ignorable


class Inflexible:
    """A string that keeps its int16 length in flexible versions too: the client id of a request header."""


int8: TypeAlias = Annotated[int, Fixed("int8", "b", 1)]
int16: TypeAlias = Annotated[int, Fixed("int16", "h", 2)]
uint16: TypeAlias = Annotated[int, Fixed("uint16", "H", 2)]
int32: TypeAlias = Annotated[int, Fixed("int32", "i", 4)]
uint32: TypeAlias = Annotated[int, Fixed("uint32", "I", 4)]
int64: TypeAlias = Annotated[int, Fixed("int64", "q", 8)]
float64: TypeAlias = Annotated[float, Fixed("float64", "d", 8)]

BOOL: Final = Fixed("bool", "?", 1)
UUID: Final = Fixed("uuid", "16s", 16)

Records: TypeAlias = bytes | memoryview | Slice
"""Record batches: decoded as a view over the frame, written without a copy."""

STRING: Final = "string"
BYTES: Final = "bytes"
RECORDS: Final = "records"


class Body(msgspec.Struct, gc=False):
    """A message, or a struct inside one. Mutable; every field has Kafka's default.

    Messages are trees, so the collector of cycles does not watch them.
    """

    wire: ClassVar[Wire]


class Wire(NamedTuple):
    """What a message is beside its fields. `unstable`: the last version is offered only when asked for."""

    versions: Versions
    flexible: Versions
    key: int | None
    unstable: bool


B = TypeVar("B", bound=Body)


def message(
    versions: str, *, flexible: str = "none", key: int | None = None, unstable: bool = False
) -> Callable[[type[B]], type[B]]:
    """Declare a class as an outermost message: its versions, which of them are flexible, its API key or type."""
    wire = Wire(Versions.parse(versions), Versions.parse(flexible), key, unstable)

    def declare(cls: type[B]) -> type[B]:
        cls.wire = wire
        return cls

    return declare


Kind: TypeAlias = "Fixed | str | type[Body]"
"""A fixed type, one of STRING, BYTES, RECORDS, or a nested struct."""


class Field(NamedTuple):
    """One field, as its annotation says."""

    name: str
    kind: Kind
    array: bool
    versions: Versions
    nullable: Versions
    tag: int | None
    ignorable: bool
    inflexible: bool
    default: Any


_SHAPES: dict[type[Body], tuple[Field, ...]] = {}


def shape_of(cls: type[Body]) -> tuple[Field, ...]:
    """The fields of a declared class, in order. Raises TypeError when an annotation makes no sense."""
    shape = _SHAPES.get(cls)
    if shape is None:
        shape = _SHAPES[cls] = tuple(_read(cls))
    return shape


def _read(cls: type[Body]) -> Iterator[Field]:
    hints = resolve(cls, include_extras=True)
    blank = cls()
    for name in cls.__struct_fields__:
        yield _field(f"{cls.__name__}.{name}", name, hints[name], getattr(blank, name))


def _field(where: str, name: str, hint: Any, default: Any) -> Field:
    versions, nullable, tag, ignorable, inflexible = ALWAYS, NEVER, None, False, False
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated and not any(isinstance(mark, Fixed) for mark in hint.__metadata__):
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    elif get_origin(hint) is Annotated:
        marks = tuple(mark for mark in hint.__metadata__ if not isinstance(mark, Fixed))
    hint, optional = _without_none(hint)
    if optional:
        nullable = ALWAYS
    for mark in marks:
        if isinstance(mark, Tag):
            tag, versions, ignorable = mark.number, mark.versions, mark.ignorable
        elif isinstance(mark, In):
            versions, ignorable = mark.versions, mark.ignorable
        elif isinstance(mark, Nullable):
            nullable = mark.versions
        elif mark is Inflexible:
            inflexible = True
        else:
            raise TypeError(f"{where}: {mark!r} is no mark of a field")
    array = get_origin(hint) is list
    kind = _kind(where, get_args(hint)[0] if array else hint)
    return Field(name, kind, array, versions, nullable, tag, ignorable, inflexible, default)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type without `None`, and whether `None` was there."""
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        rest = tuple(part for part in get_args(hint) if part is not type(None))
        return (rest[0] if len(rest) == 1 else Union[rest]), True  # noqa: UP007 (built from values)
    return hint, False


def _kind(where: str, hint: Any) -> Kind:
    if get_origin(hint) is Annotated:
        for mark in hint.__metadata__:
            if isinstance(mark, Fixed):
                return mark
    if hint is str:
        return STRING
    if hint is bytes:
        return BYTES
    if hint is bool:
        return BOOL
    if hint is Uuid:
        return UUID
    if hint == Records:
        return RECORDS
    if isinstance(hint, type) and issubclass(hint, Body):
        return hint
    raise TypeError(f"{where}: {hint!r} has no place on the wire")
