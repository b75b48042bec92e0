"""Addresses as they stand in settings: `host:port`, and `id@host:port` of a voter."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ottla.core.model.settings.kinds import InvalidSetting

_HOST_PORT: Final = re.compile(r"(?:[0-9a-zA-Z\-%._]*://)?\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]{1,10})", re.ASCII)
_ID: Final = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)

PORT_MAX: Final = 65535


class HostPort(msgspec.Struct, frozen=True):
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Voter(msgspec.Struct, frozen=True):
    """A voter of a fixed quorum."""

    id: int
    host: str
    port: int


def host_port(text: str) -> HostPort | None:
    """`host:port` or `[address]:port`, with or without a scheme in front; None for anything else."""
    found = _HOST_PORT.fullmatch(text)
    if found is None or int(found[2]) > PORT_MAX:
        return None
    return HostPort(found[1], int(found[2]))


def voter(text: str) -> Voter:
    """`id@host:port`. Raises InvalidSetting."""
    form = "Each entry should be in the form `{id}@{host}:{port}`."
    number, _, address = text.partition("@")
    if not number or not address or "@" in address:
        raise InvalidSetting(f"Invalid configuration value for controller.quorum.voters. {form}")
    if _ID.fullmatch(number) is None:
        raise InvalidSetting(f"Failed to parse voter ID as an integer from {number}")
    where = host_port(address)
    if where is None:
        raise InvalidSetting(
            f"Failed to parse host name from entry {text} for the configuration controller.quorum.voters. {form}"
        )
    return Voter(int(number), where.host, where.port)


def bootstrap_server(text: str) -> HostPort:
    """`host:port`. Raises InvalidSetting."""
    where = host_port(text)
    if where is None:
        raise InvalidSetting(
            f"Failed to parse host name from {text} for the configuration controller.quorum.bootstrap.servers. "
            'Each entry should be in the form "{host}:{port}"'
        )
    return where
