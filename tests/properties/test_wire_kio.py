"""kio, an independent codec generated from Kafka's own definitions, as the judge of every API and version.

We write and kio reads: each value must arrive as it was. kio writes and we read: it must come back as it was.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.apis import API
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body, Field, Fixed, shape_of
from tests.properties.wire_messages import Limits, message

kio_index = pytest.importorskip("kio.index", reason="needs kio: pip install -e .[check]")
kio_serial = pytest.importorskip("kio.serial", reason="needs kio: pip install -e .[check]")

LAST_SECOND = 253_402_300_799
"""kio turns some int64 fields into dates, which end with the year 9999 and pass through a float."""

ERRORS = [code.value for code in ErrorCode]


class KioLimits(Limits):
    """What kio's types can hold: dates, spans of time, and only the error codes it knows."""

    def numbers(self, kind: Fixed, field: Field) -> st.SearchStrategy[Any]:
        if kind.name == "int16" and field.name.endswith("error_code"):
            return st.sampled_from(ERRORS)
        return super().numbers(kind, field)


LIMITS = KioLimits(int64=st.integers(0, LAST_SECOND).map(lambda second: 1000 * second))

MESSAGES = [cls for api in API.values() for cls in (api.request, api.response)]


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
@settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(data=st.data())
def test_kio_reads_what_we_write_and_we_read_what_kio_writes(cls: type[Body], data: st.DataObject) -> None:
    load = (
        kio_index.load_request_schema if cls.__name__.endswith("Request") else kio_index.load_response_schema
    )
    for version in cls.wire.versions.each():
        ours = data.draw(message(cls, version, LIMITS), label=f"version {version}")
        entity = load(cls.wire.key, version)
        written = encode(ours, version)
        theirs, size = kio_serial.entity_reader(entity)(written, 0)
        assert size == len(written)
        assert_same(ours, theirs, version)
        rewritten = bytearray()
        kio_serial.entity_writer(entity)(Sink(rewritten), theirs)
        assert decode(cls, bytes(rewritten), version) == ours


def test_kio_knows_the_same_errors() -> None:
    theirs = pytest.importorskip("kio.schema.errors", reason="needs kio: pip install -e .[check]").ErrorCode
    assert {code.name.lower(): (code.value, code.retriable) for code in ErrorCode} == {
        code.name.lower(): (code.value, code.retriable) for code in theirs
    }


class Sink:
    """Where kio writes to."""

    def __init__(self, target: bytearray) -> None:
        self._target = target

    def write(self, data: bytes) -> None:
        self._target += data


def assert_same(ours: Body, theirs: Any, version: int) -> None:
    """Field by field, in order: names differ (kio drops units), places do not."""
    present = [field for field in shape_of(type(ours)) if field.versions.includes(version)]
    names = [field.name for field in dataclasses.fields(theirs)]
    assert len(present) == len(names), (
        type(ours).__name__,
        version,
        [field.name for field in present],
        names,
    )
    for field, name in zip(present, names, strict=True):
        mine, other = getattr(ours, field.name), getattr(theirs, name)
        where = f"{type(ours).__name__}.{field.name} version {version}"
        if field.array and mine is not None:
            assert len(mine) == len(other), where
            for one, another in zip(mine, other, strict=True):
                assert_value(one, another, version, where)
        else:
            assert_value(mine, other, version, where)


def assert_value(mine: Any, other: Any, version: int, where: str) -> None:
    if isinstance(mine, Body):
        assert_same(mine, other, version)
    else:
        assert plain(other, mine) == mine, where


def plain(value: Any, like: Any) -> Any:
    """kio's richer types as what goes over the wire."""
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    if isinstance(value, datetime.datetime):
        return (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
            milliseconds=1
        )
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return value.bytes
    if value is None and like == bytes(16):
        return bytes(16)
    return value
