"""What a client can be told, under Kafka's names (dots become underscores)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from ottla.world.doors import Address


class SettingRefused(ValueError):
    """A client property that is wrong or not built; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class ClientSettings(msgspec.Struct, frozen=True):
    """Settings of connections, producers and consumers. Times in ms, sizes in bytes, Kafka's defaults."""

    bootstrap_servers: tuple[Address, ...] = (Address("localhost", 9092),)
    client_id: str = "ottla"
    request_timeout_ms: int = 30_000
    socket_connection_setup_timeout_ms: int = 10_000
    retry_backoff_ms: int = 100
    retry_backoff_max_ms: int = 1_000
    metadata_max_age_ms: int = 300_000
    default_api_timeout_ms: int = 60_000
    receive_message_max_bytes: int = 100_000_000
    """No answer longer than this is accepted (librdkafka's name; the Java client has no such limit)."""

    # producer
    acks: int = -1
    compression_type: str = "none"
    linger_ms: int = 5
    batch_size: int = 16_384
    max_request_size: int = 1_048_576
    buffer_memory: int = 33_554_432
    max_in_flight_requests_per_connection: int = 5
    delivery_timeout_ms: int = 120_000
    enable_idempotence: bool = True

    # consumer
    fetch_min_bytes: int = 1
    fetch_max_bytes: int = 52_428_800
    fetch_max_wait_ms: int = 500
    max_partition_fetch_bytes: int = 1_048_576
    isolation_level: str = "read_uncommitted"
    auto_offset_reset: str = "latest"
    check_crcs: bool = True
    client_rack: str = ""


CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "compression.type": ("none", "gzip", "snappy", "lz4", "zstd"),
    "isolation.level": ("read_uncommitted", "read_committed"),
    "auto.offset.reset": ("earliest", "latest", "none"),
}
MINIMA: Final = {
    "linger.ms": 0,
    "retry.backoff.ms": 0,
    "fetch.min.bytes": 0,
    "fetch.max.wait.ms": 0,
    "batch.size": 0,
}
SECURITY: Final = ("sasl.", "ssl.", "security.providers")
"""Prefixes of properties whose silent loss would weaken a connection."""


def client_settings_from(properties: Mapping[str, str]) -> ClientSettings:
    """Kafka's client properties as settings. Raises SettingRefused for anything unknown, wrong or not built."""
    values: dict[str, Any] = {}
    for key, text in properties.items():
        refuse_security(key, text)
        if key == "security.protocol":
            continue
        name = key.replace(".", "_")
        if "_" in key or name not in FIELDS:
            raise unknown(key)
        values[name] = parsed(key, FIELDS[name], text.strip())
    return ClientSettings(**values)


def is_known(key: str) -> bool:
    """Whether a property means something to this client, be it that it is refused."""
    return "_" not in key and (key.replace(".", "_") in FIELDS or key.startswith((*SECURITY, "security.")))


def refuse_security(key: str, text: str) -> None:
    protocol = text.strip().upper()
    if key.startswith(SECURITY) or (key == "security.protocol" and protocol != "PLAINTEXT"):
        raise SettingRefused(
            f"{key} is not supported yet: this client speaks plain text only",
            "use a PLAINTEXT listener, or leave the security settings out.",
        )


def unknown(key: str) -> SettingRefused:
    known = [name.replace("_", ".") for name in FIELDS]
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    return SettingRefused(f"unknown client property {key!r}", hint)


def parsed(key: str, kind: Any, text: str) -> Any:
    """One value by the type of its field."""
    if key == "bootstrap.servers":
        return parse_servers(text)
    if key == "acks":
        return parse_acks(text)
    if key in CHOICES:
        if text not in CHOICES[key]:
            raise SettingRefused(
                f"{key}={text} is not one of {', '.join(CHOICES[key])}", "choose one of them."
            )
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise SettingRefused(f"{key}={text} is neither true nor false", "write true or false.")
        return text.lower() == "true"
    if kind is int:
        return parse_whole(key, text)
    return text


def parse_whole(key: str, text: str) -> int:
    least = MINIMA.get(key, 1)
    try:
        number = int(text)
    except ValueError:
        raise SettingRefused(f"{key}={text} is not a whole number", "write digits only.") from None
    if not least <= number < 1 << 31:
        raise SettingRefused(f"{key}={text} is outside {least}..{(1 << 31) - 1}", "choose a number within.")
    return number


def parse_acks(text: str) -> int:
    known = {"all": -1, "-1": -1, "0": 0, "1": 1}
    if text.lower() not in known:
        raise SettingRefused(f"acks={text} is not one of 0, 1, all", "choose one of them.")
    return known[text.lower()]


def parse_servers(text: str) -> tuple[Address, ...]:
    """`host:port,[::1]:port` as addresses; a missing port is 9092, as in kcat."""
    servers = tuple(parse_server(part.strip()) for part in text.split(",") if part.strip())
    if not servers:
        raise SettingRefused("no bootstrap server was given", "name one as HOST:PORT.")
    return servers


def parse_server(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or host.endswith(":") or (text.startswith("[") and text.endswith("]")):
        host, port = text, "9092"
    host = host.removeprefix("PLAINTEXT://").strip("[]")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingRefused(f"{text!r} is not HOST:PORT", "for example localhost:9092.")
    return Address(host, int(port))


FIELDS: Final[dict[str, type]] = {
    field.name: type(field.default) for field in msgspec.structs.fields(ClientSettings)
}
