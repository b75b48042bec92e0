"""What a declaration says, and which ones make no sense."""

from __future__ import annotations

from typing import Annotated

import pytest

from ottla.core.wire.declaration import (
    ALWAYS,
    NEVER,
    STRING,
    Body,
    Fixed,
    In,
    Nullable,
    Records,
    Tag,
    Versions,
    int32,
    message,
    shape_of,
)


class Inner(Body):
    number: int32 = 7


@message("1-5", flexible="3+", key=99)
class Sample(Body):
    plain: int32 = 0
    late: Annotated[str, In("2+", ignorable=True)] = ""
    nullable: str | None = None
    sometimes_null: Annotated[list[int32] | None, Nullable("2+")] = []
    tagged: Annotated[int32, Tag(4, "3+")] = -1
    inner: list[Inner] = []
    records: Records | None = None


class Nonsense(Body):
    what: dict[str, int] = {}


class Marked(Body):
    what: Annotated[int32, "a mark of somebody else"] = 0


def test_versions_are_read_and_printed() -> None:
    assert Versions.parse("3") == (3, 3)
    assert Versions.parse("3-7") == (3, 7)
    assert Versions.parse("3+").includes(400)
    assert Versions.parse("none") == NEVER
    for text in ("3", "3-7", "3+", "none"):
        assert str(Versions.parse(text)) == text
    assert Versions.parse("3+").within(Versions.parse("0-9")) == (3, 9)
    assert Versions.parse("3+").within(Versions.parse("0-2")) == NEVER


def test_a_shape_is_what_the_annotations_say() -> None:
    shape = {field.name: field for field in shape_of(Sample)}
    assert list(shape) == ["plain", "late", "nullable", "sometimes_null", "tagged", "inner", "records"]
    assert shape["plain"].kind == Fixed("int32", "i", 4)
    assert shape["plain"].versions == ALWAYS
    assert shape["late"].versions == Versions(2, 32767)
    assert shape["late"].ignorable
    assert shape["nullable"].kind == STRING
    assert shape["nullable"].nullable == ALWAYS
    assert shape["sometimes_null"].array
    assert shape["sometimes_null"].nullable.first == 2
    assert (shape["tagged"].tag, shape["tagged"].default) == (4, -1)
    assert shape["inner"].kind is Inner
    assert shape["records"].kind == "records"


def test_a_message_knows_its_versions_and_key() -> None:
    assert (str(Sample.wire.versions), str(Sample.wire.flexible), Sample.wire.key) == ("1-5", "3+", 99)


@pytest.mark.parametrize("cls", [Nonsense, Marked])
def test_an_annotation_without_sense_is_named(cls: type[Body]) -> None:
    with pytest.raises(TypeError, match=rf"{cls.__name__}\.what"):
        shape_of(cls)


def test_every_instance_has_lists_and_structs_of_its_own() -> None:
    one, other = Sample(), Sample()
    one.inner.append(Inner())
    assert other.inner == []
