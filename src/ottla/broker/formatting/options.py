"""What `format` was asked for, and how it says no."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ottla.core.metadata.levels import LevelError
from ottla.core.model.ids import Uuid, uuid_parse

_NUMBER: Final = re.compile(r"[0-9]{1,10}")


class FormatError(Exception):
    """Formatting is not possible as asked; the text is for the person who asked, in Kafka's words."""


class FormatOptions(msgspec.Struct, frozen=True):
    """The flags of `kafka-storage format`.

    `features` are "name=level" texts, `scram` the texts of --add-scram, `initial_controllers` the comma-separated
    `id@host:port:directory` list.
    """

    cluster_id: str
    standalone: bool = False
    initial_controllers: str | None = None
    no_initial_controllers: bool = False
    ignore_formatted: bool = False
    release_version: str | None = None
    features: tuple[str, ...] = ()
    scram: tuple[str, ...] = ()


class InitialController(msgspec.Struct, frozen=True):
    """One entry of --initial-controllers."""

    id: int
    host: str
    port: int
    directory_id: Uuid


def parse_initial_controllers(text: str) -> list[InitialController]:
    """`id@host:port:directory,…`. Raises FormatError."""
    found: dict[int, InitialController] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        controller = _controller(entry)
        if controller.id in found:
            raise FormatError(f"Node id {controller.id} was specified more than once.")
        found[controller.id] = controller
    if not found:
        raise FormatError("No voters given.")
    return list(found.values())


def _controller(entry: str) -> InitialController:
    id_text, at, address = entry.partition("@")
    if not at:
        raise FormatError(f"No @ found in dynamic voter string: {entry}")
    if _NUMBER.fullmatch(id_text) is None:
        raise FormatError(f"Failed to parse node id in dynamic voter string: {entry}")
    # An IPv6 address stands in brackets, and has colons of its own.
    host, colon, rest = address.partition("]:") if address.startswith("[") else address.partition(":")
    if not colon:
        raise FormatError(f"No colon following hostname could be found: {entry}")
    port, colon, directory = rest.partition(":")
    if not colon:
        raise FormatError(f"No colon following port could be found: {entry}")
    if _NUMBER.fullmatch(port) is None:
        raise FormatError(f"Failed to parse port in dynamic voter string: {entry}")
    if int(port) > 65_535:
        raise FormatError(f"Invalid port {port} in dynamic voter string: {entry}")
    try:
        return InitialController(int(id_text), host.removeprefix("["), int(port), uuid_parse(directory))
    except ValueError as error:
        raise FormatError(
            f"Failed to parse directory ID in dynamic voter string: {entry}: {error}"
        ) from error


def parse_feature(text: str) -> tuple[str, int]:
    """`group.version=1`. Raises FormatError."""
    name, equals, level = (part.strip() for part in text.partition("="))
    if not equals:
        raise FormatError(f"Can't parse feature=level string {text}: equals sign not found.")
    try:
        return name, int(level)
    except ValueError as error:
        raise FormatError(
            f"Can't parse feature=level string {text}: unable to parse {level} as a short."
        ) from error


def refused(error: LevelError) -> FormatError:
    return FormatError(str(error))
