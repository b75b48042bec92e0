"""Listeners as settings write them: `NAME://host:port`, and the map from names to security protocols."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec

from ottla.core.model.settings.addresses import PORT_MAX
from ottla.core.model.settings.kinds import InvalidSetting, shown

PLAINTEXT: Final = "PLAINTEXT"
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

_LISTENER: Final = re.compile(r"(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]{1,10})", re.ASCII)


class Listener(msgspec.Struct, frozen=True):
    """A named port. An empty host means every interface."""

    name: str
    security_protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}://{host}:{self.port}"


def protocol_map(
    text: str, controllers: Iterable[str], listeners: Iterable[str], *, given: bool
) -> dict[str, str]:
    """Listener names to protocols.

    `text` is the setting `listener.security.protocol.map`. When nobody has given it and nothing but plain text is in
    use, every controller listener is plain text without being named. Raises InvalidSetting.
    """
    name = "listener.security.protocol.map"
    found: dict[str, str] = {}
    for pair in text.split(","):
        listener, colon, protocol = (part.strip() for part in pair.strip().rpartition(":"))
        if not pair.strip():
            continue
        if not colon or not listener:
            raise InvalidSetting(
                f"Error parsing configuration property '{name}': {pair.strip()!r} is not NAME:PROTOCOL"
            )
        if protocol.upper() not in PROTOCOLS:
            raise InvalidSetting(f"Invalid security protocol `{protocol}` defined in {name}")
        found[listener.upper()] = protocol.upper()
    controllers = tuple(controllers)
    in_use = {*controllers, *(entry.partition(":")[0].upper() for entry in listeners)}
    if not given and in_use.isdisjoint(PROTOCOLS[1:]):
        found.update((controller, PLAINTEXT) for controller in controllers if controller != PLAINTEXT)
    return found


def parse_listeners(
    entries: tuple[str, ...], protocols: Mapping[str, str], *, ports: bool = True
) -> list[Listener]:
    """`NAME://host:port` entries. `ports`: no two may share a port, except one on IPv4 and one on IPv6.

    Raises InvalidSetting.
    """
    try:
        listeners = [_listener(entry, protocols) for entry in entries]
        names = [listener.name for listener in listeners]
        if len(set(names)) != len(names):
            raise InvalidSetting(f"Each listener must have a different name, listeners: {shown(entries)}")
        if ports:
            _check_ports(listeners, entries)
    except InvalidSetting as error:
        raise InvalidSetting(f"Error creating broker listeners from '{shown(entries)}': {error}") from None
    return listeners


def _listener(entry: str, protocols: Mapping[str, str]) -> Listener:
    found = _LISTENER.fullmatch(entry)
    if found is None or not -PORT_MAX <= int(found[3]) <= PORT_MAX:
        raise InvalidSetting(f"Unable to parse {entry} to a broker endpoint")
    name = found[1].upper()
    if not name.strip():
        raise InvalidSetting("The provided listener name is null or empty string")
    protocol = protocols.get(name)
    if protocol is None:
        raise InvalidSetting(f"No security protocol defined for listener {name}")
    return Listener(name, protocol, found[2], int(found[3]))


def _check_ports(listeners: list[Listener], entries: tuple[str, ...]) -> None:
    by_port: dict[int, list[Listener]] = {}
    for listener in listeners:
        if listener.port != 0:
            by_port.setdefault(listener.port, []).append(listener)
    for port, sharing in by_port.items():
        if len(sharing) == 1:
            continue
        families = [_family(listener.host) for listener in sharing]
        if families.count(None) > 1 or families == [None] * len(families):
            raise InvalidSetting(f"Each listener must have a different port, listeners: {shown(entries)}")
        if sorted(str(family) for family in families) != ["4", "6"]:
            raise InvalidSetting(
                "If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, "
                f"listeners: {shown(entries)}, port: {port}"
            )


def _family(host: str) -> int | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return None
    return address.version
