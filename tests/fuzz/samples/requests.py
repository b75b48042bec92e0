"""What comes over a connection beside message bodies: frames, headers, HTTP."""

from __future__ import annotations

import random
import struct
from functools import cache

from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API
from ottla.core.wire.codec import encode
from ottla.core.wire.headers import RequestHeader, header_versions
from ottla.core.wire.messages.default_principal import DefaultPrincipalData
from tests.fuzz.samples.messages import full, message_samples

KEYS = (ApiKey.API_VERSIONS, ApiKey.METADATA, ApiKey.PRODUCE, ApiKey.FETCH, ApiKey.CREATE_TOPICS)


def request(key: ApiKey, version: int, body: bytes, client_id: str | None = "fuzz") -> bytes:
    """A request without the frame around it."""
    header = RequestHeader(key, version, 7, client_id)
    return encode(header, header_versions(key, version)[0]) + body


def bodies() -> list[bytes]:
    tagged = (
        struct.pack(">hhih", 18, 3, 7, -1)
        + b"\2\0\1a\5\2bc"
        + message_samples(API[ApiKey.API_VERSIONS].request, 3)[0]
    )
    return [tagged] + [
        request(key, version, message_samples(API[key].request, version)[0])
        for key in KEYS
        for version in (API[key].min_version, API[key].max_stable_version)
    ]


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


def frames() -> list[bytes]:
    single = [framed(body) for body in bodies()]
    return [*single, b"".join(single), framed(b""), framed(bytes(40_000))]


def principals() -> list[bytes]:
    ann = DefaultPrincipalData(type="User", name="ann", token_authenticated=True)
    return [struct.pack(">h", 0) + encode(each, 0) for each in (ann, DefaultPrincipalData())]


def http() -> list[bytes]:
    return [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /health?x=1 HTTP/1.0\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]


@cache
def requests_of(key: ApiKey) -> list[bytes]:
    """An API's requests in every version that is served, three of each."""
    api = API[key]
    found = [bodies()[0]] if key is ApiKey.API_VERSIONS else []
    for version in range(api.min_version, api.max_stable_version + 1):
        for seed in range(3):
            chance = random.Random(f"{key} {version} {seed}")
            body = encode(full(api.request, version, chance), version)
            found.append(request(key, version, body))
    return found


def answers() -> list[bytes]:
    """What a broker answers to three requests, and to an ApiVersions request that is too new for it."""
    versions, metadata, fetch = (
        message_samples(API[key].response, version)
        for key, version in ((ApiKey.API_VERSIONS, 4), (ApiKey.METADATA, 12), (ApiKey.FETCH, 12))
    )
    whole = b"".join(
        framed(struct.pack(">i", number) + head + body)
        for number, head, body in ((1, b"", versions[1]), (2, b"\0", metadata[1]), (3, b"\0", fetch[1]))
    )
    return [whole, framed(struct.pack(">ih", 1, 35) + struct.pack(">i", 1) + struct.pack(">hhh", 18, 0, 3))]
