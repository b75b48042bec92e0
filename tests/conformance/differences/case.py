"""One question that is put to both brokers, in one or more versions."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from ottla.core.model.ids import Uuid
from ottla.core.wire.apis import API, Api, ListenerRole
from ottla.core.wire.codec import EncodeError, encode
from ottla.core.wire.declaration import Body

Build: TypeAlias = "Body | Callable[[int], Body]"

BROKER = ListenerRole.BROKER
CONTROLLER = ListenerRole.CONTROLLER
STAND_IN = b"\xee\xee\xee"
"""What a stand-in for a topic id begins with."""
_API_OF = {api.request: api for api in API.values()}


class Question(NamedTuple):
    """One request as it goes over the wire, without its length. `said`: the same for people."""

    name: str
    key: int
    version: int
    frame: bytes
    said: str
    listener: ListenerRole = BROKER
    unanswered: bool = False


class Case(NamedTuple):
    """`build` is the request, or makes it for a version; `versions` is None for all that are live."""

    name: str
    build: Build
    versions: Sequence[int] | None = None
    listener: ListenerRole = BROKER

    def request(self, version: int) -> Body:
        return self.build if isinstance(self.build, Body) else self.build(version)

    @property
    def api(self) -> Api:
        return api_of(type(self.request(0)))

    def questions(self) -> Iterator[Question]:
        """One for each version in which the request can be said."""
        api = self.api
        live = range(api.min_version, api.max_stable_version + 1)
        for version in live if self.versions is None else self.versions:
            request = self.request(version)
            try:
                body = encode(request, version)
            except EncodeError:
                continue
            yield Question(
                f"{self.name} v{version}",
                api.key,
                version,
                header(api, version) + body,
                repr(request),
                self.listener,
                unanswered=getattr(request, "acks", None) == 0,
            )


def header(api: Api, version: int) -> bytes:
    """What stands before the body: correlation id 7, client id `d`, no tagged fields."""
    return struct.pack(">hhih", api.key, version, 7, 1) + b"d" + (b"\0" if is_flexible(api, version) else b"")


def is_flexible(api: Api, version: int) -> bool:
    return api.first_flexible is not None and version >= api.first_flexible


def id_of(topic: str) -> Uuid:
    """Stands for the id that a broker gave to this topic: put in its place in requests, found in answers."""
    return Uuid(STAND_IN + b"id: " + topic.encode()[-9:].ljust(9, b"."))


def api_of(cls: type[Body]) -> Api:
    """The API that this class is the request of."""
    return _API_OF[cls]


def title_of(api: Api, listener: ListenerRole) -> str:
    """What the names of these questions begin with."""
    return api.name if listener is BROKER else f"{api.name} of a {listener}"


def ends(cls: type[Body]) -> list[int]:
    """The lowest and the highest version of an API: enough where versions differ in nothing that matters."""
    api = api_of(cls)
    return sorted({api.min_version, api.max_stable_version})
