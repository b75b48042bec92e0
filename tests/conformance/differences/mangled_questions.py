"""The requests that `mangling` makes of `bases`, as questions; and requests whose header or frame is wrong."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from ottla.core.wire.apis import API, Api, ApiKey, ListenerRole
from ottla.core.wire.codec import DecodeError, decode_from
from ottla.core.wire.declaration import Body
from tests.conformance.differences.case import BROKER, STAND_IN, Question, header, is_flexible, title_of
from tests.conformance.differences.mangling import UNKNOWN_TAG, Mangler

SHARE: Final = 2
"""In versions before the last one of so many requests is asked, always the same ones: most is alike in all versions."""


def mangled_questions(key: ApiKey, request: Body, listener: ListenerRole = BROKER) -> Iterator[Question]:
    """The request in all its versions, each with one thing wrong.

    An id that each broker made for itself is nothing to be read as something else: the two would read different things.
    """
    api = API[key]
    title = title_of(api, listener)
    for version in range(api.min_version, api.max_stable_version + 1):
        yield from _headers(api, version, request, listener)
        mangler = Mangler(api.request.wire, version)
        for what, data in mangler.bodies(request):
            if what.endswith("one too few") and STAND_IN in data:
                continue
            name = f"{title}: mangled{what} v{version}"
            if version == api.max_stable_version or crc32(name.encode()) % SHARE == 0:
                frame = header(api, version) + data
                yield Question(
                    name, key, version, frame, _said(request, what), listener, _mute(api, version, data)
                )
    yield from _versions(api, request, listener)


def _said(request: Body, what: str) -> str:
    return f"{request!r}, but{what}"


def _mute(api: Api, version: int, data: bytes) -> bool:
    """Whether it is a Produce request that wants no answer."""
    if api.key is not ApiKey.PRODUCE:
        return False
    try:
        request, _ = decode_from(api.request, data, version)
    except DecodeError:
        return False
    return bool(getattr(request, "acks") == 0)  # noqa: B009 (a field of ProduceRequest alone)


def _headers(api: Api, version: int, request: Body, listener: ListenerRole) -> Iterator[Question]:
    """The good body behind another header."""
    title = title_of(api, listener)
    body = Mangler(api.request.wire, version).struct(request)
    start = struct.pack(">hhi", api.key, version, 7)
    tags = b"\0" if is_flexible(api, version) else b""
    heads = {
        "as it should be": start + b"\0\1d" + tags,
        "with no client id": start + b"\xff\xff" + tags,
        "with an empty client id": start + b"\0\0" + tags,
        "with a client id that is no UTF-8": start + b"\0\2\xff\xfe" + tags,
        "with a client id of length -2": start + b"\xff\xfe" + tags,
        "with a client id longer than all": start + b"\x7f\xff" + tags,
    }
    if tags:
        heads["with a tagged section that is missing"] = start + b"\0\1d"
        heads["with an unknown tag"] = start + b"\0\1d\1" + UNKNOWN_TAG
        heads["with an unknown tag twice"] = start + b"\0\1d\2" + UNKNOWN_TAG * 2
        heads["with a tag too few"] = start + b"\0\1d\2" + UNKNOWN_TAG
        heads["with a tag longer than all"] = start + b"\0\1d\1\1\x70"
        heads["with tags without end"] = start + b"\0\1d\xff\xff\xff\xff\xff\1"
    for what, head in heads.items():
        said = f"{request!r} behind a header {what}"
        yield Question(f"{title}: header {what} v{version}", api.key, version, head + body, said, listener)


def _versions(api: Api, request: Body, listener: ListenerRole) -> Iterator[Question]:
    """Versions that nobody serves, and bodies of one version under the number of another."""
    title = title_of(api, listener)
    first, last = api.min_version, api.max_stable_version
    for version in sorted({-32_768, -1, first - 1, api.max_version + 1, 32_767}):
        body = Mangler(api.request.wire, last).struct(request)
        frame = struct.pack(">hhih", api.key, version, 7, 1) + b"d\0" + body
        said = f"{request!r} in version {version}"
        yield Question(f"{title}: not served v{version}", api.key, version, frame, said, listener)
    for version, other in ((first, last), (last, first)):
        if version != other:
            frame = header(api, version) + Mangler(api.request.wire, other).struct(request)
            if STAND_IN in frame:
                continue
            said = f"{request!r} of version {other} said to be of version {version}"
            yield Question(
                f"{title}: body of version {other} v{version}", api.key, version, frame, said, listener
            )
