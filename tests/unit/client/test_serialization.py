"""Serializers: Kafka's forms, and what does not fit them."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from ottla.client.serialization import (
    BOOLEAN,
    BYTES,
    DOUBLE,
    FLOAT,
    INTEGER,
    JSON,
    LONG,
    SHORT,
    STRING,
    UUID,
    Json,
    SerializationError,
    String,
    deserializing,
    serializing,
)

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (STRING, "tée", b"t\xc3\xa9e"),
        (String("latin-1"), "tée", b"t\xe9e"),
        (BYTES, b"\x00\xff", b"\x00\xff"),
        (SHORT, -2, b"\xff\xfe"),
        (INTEGER, 258, b"\x00\x00\x01\x02"),
        (LONG, -1, b"\xff" * 8),
        (FLOAT, 1.5, b"\x3f\xc0\x00\x00"),
        (DOUBLE, 1.5, b"\x3f\xf8" + bytes(6)),
        (BOOLEAN, True, b"\x01"),
        (UUID, ID, b"12345678-1234-5678-1234-567812345678"),
        (JSON, {"a": [1, None]}, b'{"a":[1,null]}'),
    ],
)
def test_there_and_back(kind: Any, value: Any, data: bytes) -> None:
    assert kind.serialize("t", value) == data
    assert kind.deserialize("t", data) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (STRING, b"x"),
        (BYTES, "x"),
        (SHORT, 40000),
        (INTEGER, "1"),
        (LONG, 1 << 63),
        (DOUBLE, "1"),
        (UUID, "x"),
        (BOOLEAN, 1),
        (JSON, {1, object()}),
        (String("ascii"), "é"),
    ],
)
def test_what_does_not_fit_is_told_with_its_topic(kind: Any, value: Any) -> None:
    with pytest.raises(SerializationError, match="'orders'"):
        kind.serialize("orders", value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [(STRING, b"\xff"), (SHORT, b"x"), (LONG, b""), (UUID, b"x"), (JSON, b"{"), (JSON, b"\xff")],
)
def test_bytes_that_do_not_fit_are_told_with_their_topic(kind: Any, data: bytes) -> None:
    with pytest.raises(SerializationError, match="'orders'"):
        kind.deserialize("orders", data)


def test_json_reads_into_a_type_and_checks_it() -> None:
    class Order(msgspec.Struct):
        id: int

    orders = Json(Order)
    assert orders.deserialize("t", orders.serialize("t", Order(7))) == Order(7)
    with pytest.raises(SerializationError, match="Expected `int`"):
        orders.deserialize("t", b'{"id":"7"}')


def test_plain_functions_serve_too() -> None:
    write, read = serializing(str.encode), deserializing(lambda data: data.decode())
    assert write is not None
    assert read is not None
    assert read("t", write("t", "x")) == "x"
    assert serializing(None) is None
    with pytest.raises(TypeError, match="no serializer"):
        serializing(7)  # type: ignore[arg-type]
