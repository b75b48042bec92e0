"""One question that is put to both brokers, in one or more versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ottla.core.model.ids import Uuid
from ottla.core.wire.apis import API
from ottla.core.wire.declaration import Body

Build: TypeAlias = "Body | Callable[[int], Body]"


STAND_IN = b"\xee\xee\xee"
"""What a stand-in for a topic id begins with."""


class Case(NamedTuple):
    """`build` is the request, or makes it for a version; `versions` is None for all that are live."""

    name: str
    build: Build
    versions: Sequence[int] | None = None

    def request(self, version: int) -> Body:
        return self.build if isinstance(self.build, Body) else self.build(version)


def id_of(topic: str) -> Uuid:
    """Stands for the id that a broker gave to this topic: put in its place in requests, found in answers."""
    return Uuid(STAND_IN + b"id: " + topic.encode()[-9:].ljust(9, b"."))


def ends(cls: type[Body]) -> list[int]:
    """The lowest and the highest version of an API: enough where versions differ in nothing that matters."""
    api = next(each for each in API.values() if each.request is cls)
    return sorted({api.min_version, api.max_stable_version})
