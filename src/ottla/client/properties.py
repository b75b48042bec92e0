"""Settings as people write them: Kafka's properties (`linger.ms`), Python's keywords (`linger_ms`), or both.

Both go through one reading, so `linger_ms=20`, `linger_ms="20"` and `{"linger.ms": "20"}` mean the same. What is
misspelt is refused with the nearest name; what other Kafka clients have and this one needs not is logged and left out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeVar

import msgspec

from ottla.client.settings import (
    AdminSettings,
    ConnectionSettings,
    ConsumerSettings,
    ProducerSettings,
    SettingRefused,
    ShareConsumerSettings,
)
from ottla.world.doors import Address

log = logging.getLogger("ottla.client")

S = TypeVar("S", bound=ConnectionSettings)

KINDS: Final = (
    ConnectionSettings,
    AdminSettings,
    ProducerSettings,
    ConsumerSettings,
    ShareConsumerSettings,
)

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "compression.type": ("none", "gzip", "snappy", "lz4", "zstd"),
    "isolation.level": ("read_uncommitted", "read_committed"),
    "auto.offset.reset": ("earliest", "latest", "none"),
    "group.protocol": ("classic", "consumer"),
    "share.acknowledgement.mode": ("implicit", "explicit"),
    "share.acquire.mode": ("batch_optimized", "record_limit"),
}
RANGES: Final = {
    "linger.ms": (0, None),
    "retry.backoff.ms": (0, None),
    "fetch.min.bytes": (0, None),
    "fetch.max.wait.ms": (0, None),
    "batch.size": (0, None),
    "max.block.ms": (0, None),
    "retries": (0, None),
    "auto.commit.interval.ms": (0, None),
    "compression.gzip.level": (-1, 9),
    "compression.lz4.level": (1, 17),
    "compression.zstd.level": (-131_072, 22),
    "buffer.memory": (1, (1 << 63) - 1),
}
"""Bounds other than 1 to 2^31 - 1."""
LARGEST: Final = (1 << 31) - 1
DURATION: Final = re.compile(r"by_duration:P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")
PORT: Final = re.compile(r"[0-9]{1,5}")
SECURITY: Final = ("sasl.", "ssl.", "security.providers")
"""Prefixes of properties whose silent loss would weaken a connection."""
ELSEWHERE: Final = frozenset(
    {
        "api.version.request",
        "auto.include.jmx.reporter",
        "broker.address.family",
        "broker.address.ttl",
        "broker.version.fallback",
        "client.dns.lookup",
        "connections.max.idle.ms",
        "debug",
        "enable.metrics.push",
        "interceptor.classes",
        "key.deserializer",
        "key.serializer",
        "log.connection.close",
        "log_level",
        "metadata.max.idle.ms",
        "metadata.recovery.rebootstrap.trigger.ms",
        "metadata.recovery.strategy",
        "metric.reporters",
        "metrics.num.samples",
        "metrics.recording.level",
        "metrics.sample.window.ms",
        "partitioner.adaptive.partitioning.enable",
        "partitioner.availability.timeout.ms",
        "partitioner.class",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "receive.buffer.bytes",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "send.buffer.bytes",
        "socket.connection.setup.timeout.max.ms",
        "socket.keepalive.enable",
        "socket.nagle.disable",
        "socket.receive.buffer.bytes",
        "socket.send.buffer.bytes",
        "statistics.interval.ms",
        "value.deserializer",
        "value.serializer",
    }
)
"""Properties of the Java client and librdkafka that mean nothing here, or are arguments of the client's class."""


def settings_from(
    kind: type[S],
    properties: Mapping[str, object] | None = None,
    keywords: Mapping[str, object] | None = None,
) -> S:
    """Settings of a kind of client; keywords beat properties. Raises SettingRefused for what is unknown or wrong."""
    written: dict[str, object] = {}
    for key, value in (properties or {}).items():
        if "_" in key and key not in ELSEWHERE:
            raise unknown(key, kind)
        written[key] = value
    for name, value in (keywords or {}).items():
        if name not in fields(kind):
            raise unknown(name, kind, spelling=str)
        written[name.replace("_", ".")] = value
    values = {}
    for key, value in written.items():
        if value is not None and applies(key, str(value), kind):
            name = key.replace(".", "_")
            values[name] = parsed(key, fields(kind)[name], value)
    found = kind(**values)
    if isinstance(found, ProducerSettings):
        check_producer(found, values)
    return found


def applies(key: str, text: str, kind: type[ConnectionSettings]) -> bool:
    """Whether a property says something to this kind of client. Raises SettingRefused for one that nobody knows."""
    refuse_security(key, text)
    if key == "security.protocol":
        return False
    name = key.replace(".", "_")
    if name in fields(kind):
        return True
    if not is_known(key):
        raise unknown(key, kind)
    log.info("the setting %s=%s means nothing to %s, it is left out", key, text, told(kind))
    return False


def is_known(key: str) -> bool:
    """Whether a property means something to a client of any kind, be it that it is refused or left out."""
    if key in ELSEWHERE or key.startswith((*SECURITY, "security.")):
        return True
    return "_" not in key and any(key.replace(".", "_") in fields(kind) for kind in KINDS)


def refuse_security(key: str, text: str) -> None:
    protocol = text.strip().upper()
    if key.startswith(SECURITY) or (key == "security.protocol" and protocol != "PLAINTEXT"):
        raise SettingRefused(
            f"{key} is not supported yet: this client speaks plain text only",
            "use a PLAINTEXT listener, or leave the security settings out.",
        )


def unknown(key: str, kind: type[ConnectionSettings], *, spelling: Any = None) -> SettingRefused:
    """For a key that nobody knows, or that only another kind of client takes as keyword."""
    known = [(spelling or dotted)(name) for name in fields(kind)]
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    return SettingRefused(f"unknown setting {key!r} of {told(kind)}", hint)


def check_producer(settings: ProducerSettings, chosen: Mapping[str, object]) -> None:
    """What must fit together. Raises SettingRefused when somebody asked for both sides of a contradiction."""
    if chosen.get("enable_idempotence") and not settings.idempotent:
        raise SettingRefused(
            "enable.idempotence=true needs acks=all, retries above 0 and at most 5 requests in flight",
            "leave those settings out, or set enable.idempotence=false.",
        )
    if settings.transactional_id is not None and not settings.idempotent:
        raise SettingRefused(
            "transactional.id needs an idempotent producer",
            "leave enable.idempotence, acks, retries and max.in.flight.requests.per.connection out.",
        )
    least = settings.linger_ms + settings.request_timeout_ms
    if "delivery_timeout_ms" in chosen and settings.delivery_timeout_ms < least:
        raise SettingRefused(
            f"delivery.timeout.ms={settings.delivery_timeout_ms} is less than linger.ms + request.timeout.ms",
            f"allow at least {least} ms.",
        )


# -- values


def parsed(key: str, kind: Any, value: object) -> Any:
    """One value by the type of its field."""
    if key == "bootstrap.servers":
        return parse_servers(value)
    if kind is tuple:
        return parse_list(value)
    text = str(value).strip()
    if key == "acks":
        return parse_acks(text)
    if key in CHOICES:
        return parse_choice(key, text)
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise SettingRefused(f"{key}={text} is neither true nor false", "write true or false.")
        return text.lower() == "true"
    if kind is int:
        return parse_whole(key, text)
    return text


def parse_choice(key: str, text: str) -> str:
    wanted = text.lower()
    if wanted in CHOICES[key]:
        return wanted
    if key == "auto.offset.reset" and DURATION.fullmatch(text):
        return text
    raise SettingRefused(f"{key}={text} is not one of {', '.join(CHOICES[key])}", "choose one of them.")


def parse_whole(key: str, text: str) -> int:
    least, most = RANGES.get(key, (1, None))
    most = LARGEST if most is None else most
    try:
        number = int(text)
    except ValueError:
        raise SettingRefused(f"{key}={text} is not a whole number", "write digits only.") from None
    if not least <= number <= most:
        raise SettingRefused(f"{key}={text} is outside {least}..{most}", "choose a number within.")
    return number


def parse_acks(text: str) -> int:
    known = {"all": -1, "-1": -1, "0": 0, "1": 1}
    if text.lower() not in known:
        raise SettingRefused(f"acks={text} is not one of 0, 1, all", "choose one of them.")
    return known[text.lower()]


def parse_list(value: object) -> tuple[str, ...]:
    """A list of words, or words with commas between them."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(str(each).strip() for each in value)
    return tuple(part.strip() for part in str(value).split(",") if part.strip())


def parse_servers(value: object) -> tuple[Address, ...]:
    """`host:port,[::1]:port`, a list of such, or of addresses; a missing port is 9092, as in kcat."""
    servers = tuple(parse_server(part) for part in parse_list(value))
    if not servers:
        raise SettingRefused("no bootstrap server was given", "name one as HOST:PORT.")
    return servers


def parse_server(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or host.endswith(":") or (text.startswith("[") and text.endswith("]")):
        host, port = text, "9092"
    host = host.removeprefix("PLAINTEXT://").strip("[]")
    if not host or PORT.fullmatch(port) is None or not 0 < int(port) < 65_536:
        raise SettingRefused(f"{text!r} is not HOST:PORT", "for example localhost:9092.")
    return Address(host, int(port))


# -- what there is


@cache
def fields(kind: type[ConnectionSettings]) -> dict[str, type]:
    """The settings of a kind of client, each with the type its default has (text, where the default is nothing)."""
    found = {field.name: type(field.default) for field in msgspec.structs.fields(kind)}
    return {name: str if each is type(None) else each for name, each in found.items()}


def dotted(name: str) -> str:
    return name.replace("_", ".")


def told(kind: type[ConnectionSettings]) -> str:
    """A kind of client in words."""
    noun = kind.__name__.removesuffix("Settings").lower()
    return {"connection": "a client", "admin": "an admin", "shareconsumer": "a share consumer"}.get(
        noun, f"a {noun}"
    )
