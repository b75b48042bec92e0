"""What stands before the body of every request and response.

A request opens with its API key, version and correlation id whatever the header version, so a server can always
tell what it was asked. The client id keeps its old form in flexible headers. A response header says nothing but which
request it answers; ApiVersions keeps the inflexible one in every version, because a client cannot know the broker
before it has read that answer (KIP-511).
"""

from __future__ import annotations

from struct import Struct
from typing import Annotated, Final, NamedTuple

from ottla.core.wire.apis import API, ApiKey
from ottla.core.wire.codec import decode_from
from ottla.core.wire.declaration import Body, Inflexible, int16, int32, message
from ottla.core.wire.primitives import DecodeError

_OPENING: Final = Struct(">hhi")


@message("1-2", flexible="2+")
class RequestHeader(Body):
    request_api_key: int16 = 0
    request_api_version: int16 = 0
    correlation_id: int32 = 0
    client_id: Annotated[str | None, Inflexible] = ""


@message("0-1", flexible="1+")
class ResponseHeader(Body):
    correlation_id: int32 = 0


class Opening(NamedTuple):
    """The first eight bytes of a request."""

    api_key: int
    api_version: int
    correlation_id: int


def opening(frame: bytes) -> Opening:
    """Who is asked for what, before anything is known about it. Raises DecodeError for a frame too short."""
    if len(frame) < _OPENING.size:
        raise DecodeError(f"a request of {len(frame)} bytes has no header")
    return Opening(*_OPENING.unpack_from(frame))


def header_versions(key: ApiKey, version: int) -> tuple[int, int]:
    """The versions of the request and the response header that go with a request of this API and version.

    For an ApiVersions request of a version we do not know, the client's header is the flexible one.
    """
    first_flexible = API[key].first_flexible
    flexible = first_flexible is not None and version >= first_flexible
    return (2 if flexible else 1), int(flexible and key is not ApiKey.API_VERSIONS)


def read_request_header(frame: bytes, key: ApiKey, version: int) -> tuple[RequestHeader, int]:
    """The header of a request, and where its body begins. Raises DecodeError."""
    return decode_from(RequestHeader, frame, header_versions(key, version)[0])
