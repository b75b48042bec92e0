"""Every declaration held against the definition in Kafka's jars: versions, order, types, defaults, marks.

The definitions name what Kafka 4.3 exchanges; a field of theirs that no live version has, we do not declare.
"""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.apis import API
from ottla.core.wire.declaration import NEVER, Body, Field, Fixed, Versions, shape_of
from tests.judge.definitions import definitions, live, snake
from tests.properties.wire_messages import declared

pytestmark = pytest.mark.judge

NOT_ON_THE_WIRE = {"QuorumStateData"}
"""Kept in a JSON file beside the metadata log, never in these encodings."""

OURS = {cls.__name__: cls for cls in declared()}


def test_nothing_is_missing_and_nothing_is_made_up() -> None:
    assert {each["name"] for each in live()} - NOT_ON_THE_WIRE == set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_declaration_says_what_kafka_says(name: str) -> None:
    theirs, ours = definitions()[name], OURS[name]
    valid = Versions.parse(theirs["validVersions"])
    assert ours.wire.versions == valid
    assert ours.wire.flexible.within(valid) == Versions.parse(theirs["flexibleVersions"]).within(valid)
    assert ours.wire.key == theirs.get("apiKey")
    assert ours.wire.unstable == theirs.get("latestVersionUnstable", False)
    structs = {each["name"]: each["fields"] for each in theirs.get("commonStructs", [])}
    Comparison(name, structs).struct(ours, theirs["fields"], valid)


@pytest.mark.parametrize("api", API.values(), ids=lambda api: api.name)
def test_an_api_is_served_where_kafka_serves_it(api: Any) -> None:
    assert api.listeners == set(definitions()[f"{api.name}Request"]["listeners"])
    assert api.request.wire.key == api.response.wire.key == api.key
    assert api.request.wire.versions == api.response.wire.versions


class Comparison:
    """Walks a declaration and a definition side by side."""

    def __init__(self, message: str, structs: dict[str, Any]) -> None:
        self._message = message
        self._structs = structs

    def struct(self, ours: type[Body], theirs: list[dict[str, Any]], scope: Versions) -> None:
        """`scope`: the versions in which the struct can occur here."""
        live_fields = [each for each in theirs if _versions(each).within(scope) != NEVER]
        shape = shape_of(ours)
        where = f"{self._message}: {ours.__name__}"
        assert [field.name for field in shape] == [snake(each["name"]) for each in live_fields], where
        for field, definition in zip(shape, live_fields, strict=True):
            self._field(f"{where}.{field.name}", field, definition, scope)

    def _field(self, where: str, field: Field, theirs: dict[str, Any], scope: Versions) -> None:
        versions = _versions(theirs).within(scope)
        assert field.versions.within(scope) == versions, where
        assert field.nullable.within(versions) == Versions.parse(
            theirs.get("nullableVersions", "none")
        ).within(versions), where
        assert field.tag == theirs.get("tag"), where
        assert field.inflexible == (theirs.get("flexibleVersions") == "none"), where
        if versions != scope:
            assert field.ignorable == theirs.get("ignorable", False), where
        assert field.array == theirs["type"].startswith("[]"), where
        kind = theirs["type"].removeprefix("[]")
        if isinstance(field.kind, type):
            assert kind in field.kind.__name__, where
            self.struct(field.kind, self._structs.get(kind) or theirs["fields"], versions)
        else:
            assert (field.kind.name if isinstance(field.kind, Fixed) else field.kind) == kind, where
        assert field.default == self._default(field, theirs, kind), where

    def _default(self, field: Field, theirs: dict[str, Any], kind: str) -> Any:
        """What Kafka's generator makes of the definition. A JSON null is no default at all; the string "null" is null."""
        text = theirs.get("default")
        if text == "null":
            return None
        if field.array:
            return []
        if isinstance(field.kind, type):
            return field.kind()
        plain = {"string": "", "bytes": b"", "uuid": ZERO_UUID, "bool": False, "float64": 0.0}
        if kind == "records":
            return None if field.nullable != NEVER else b""
        if text is None:
            return plain.get(kind, 0)
        if kind == "bool":
            return str(text).lower() == "true"
        return str(text) if kind == "string" else int(str(text), 0)


def _versions(field: dict[str, Any]) -> Versions:
    """A field that is only ever tagged may leave its versions to its tag."""
    return Versions.parse(field.get("versions") or field["taggedVersions"])
