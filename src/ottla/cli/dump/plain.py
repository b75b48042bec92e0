"""Decoded messages as plain values that JSON and people can read."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ottla.core.model.ids import uuid_text
from ottla.core.wire.declaration import UUID, Body, Field, shape_of


def plain(body: Body) -> dict[str, Any]:
    """Every field by its name; UUIDs in Kafka's form, bytes as base64."""
    return {field.name: plain_field(field, getattr(body, field.name)) for field in shape_of(type(body))}


def plain_field(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.array:
        return [plain_value(field, each) for each in value]
    return plain_value(field, value)


def plain_value(field: Field, value: Any) -> Any:
    if isinstance(value, Body):
        return plain(value)
    if isinstance(value, (bytes, memoryview)):
        return uuid_text(bytes(value)) if field.kind == UUID else b64encode(value).decode()
    return value


def text_of(content: bytes | None) -> Any:
    """Bytes as text, or as base64 in an object of its own when they are not UTF-8."""
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode()}
