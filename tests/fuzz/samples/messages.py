"""Valid messages of every declaration and version, made from the declarations themselves."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from ottla.core.wire.codec import encode
from ottla.core.wire.declaration import BOOL, BYTES, RECORDS, STRING, UUID, Body, Field, Fixed, shape_of
from tests.fuzz.samples.batches import plain_batch
from tests.properties.wire_messages import every_version as every_version

NAMES = ("", "orders", "fuzz", "a" * 40, "schlüssel", "b" * 200)


@cache
def message_samples(cls: type[Body], version: int) -> tuple[bytes, ...]:
    """Two messages: the declared defaults, and one with everything in it."""
    chance = random.Random(f"{cls.__name__} {version}")
    return tuple(encode(each, version) for each in (cls(), full(cls, version, chance)))


def full(cls: type[Body], version: int, chance: random.Random) -> Any:
    """A message with something in every field that `version` has."""
    return cls(
        **{
            field.name: _field(field, version, chance)
            for field in shape_of(cls)
            if field.versions.includes(version)
        }
    )


def _field(field: Field, version: int, chance: random.Random) -> Any:
    if field.nullable.includes(version) and chance.random() < 0.1:
        return None
    if field.array:
        return [_value(field, version, chance) for _ in range(chance.randint(1, 2))]
    return _value(field, version, chance)


def _value(field: Field, version: int, chance: random.Random) -> Any:
    kind = field.kind
    if kind is STRING:
        return chance.choice(NAMES)
    if kind is BYTES:
        return chance.randbytes(chance.randint(0, 8))
    if kind is RECORDS:
        return plain_batch()
    if kind is BOOL:
        return chance.random() < 0.5
    if kind is UUID:
        return chance.randbytes(16)
    if isinstance(kind, Fixed):
        if kind.name == "float64":
            return chance.random()
        return chance.choice((0, 1, 2, 100)) if kind.name[0] == "u" else chance.choice((-1, 0, 1, 2, 100))
    assert isinstance(kind, type)
    return full(kind, version, chance)
