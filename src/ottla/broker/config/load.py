"""Settings from a file, the environment and the command line: each beats the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ottla.broker.config.environment import from_environment
from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.config.properties import parse_properties
from ottla.core.model.settings.kinds import MIB, InvalidSetting

__all__ = ["NodeSettings", "from_properties", "load", "load_text"]

FILE_BYTES_MAX: Final = 16 * MIB


def load(
    path: str, environment: Mapping[str, str] | None = None, *, overrides: Mapping[str, str] | None = None
) -> NodeSettings:
    """The settings of the node described by a `server.properties` file.

    Raises OSError when the file cannot be read and InvalidSetting, with a line for each problem, when it is wrong.
    """
    return load_text(read_text(path), environment, overrides=overrides)


def load_text(
    text: str, environment: Mapping[str, str] | None = None, *, overrides: Mapping[str, str] | None = None
) -> NodeSettings:
    """As `load`, from the text of the file."""
    return from_properties(
        {**parse_properties(text), **from_environment(environment or {}), **(overrides or {})}
    )


def from_properties(properties: Mapping[str, str]) -> NodeSettings:
    """As `load`, from keys and values. Relative paths are counted from the working directory, as in Kafka.

    Raises InvalidSetting.
    """
    return NodeSettings(properties, base=str(Path.cwd()))


def read_text(path: str) -> str:
    """A properties file as text. UTF-8, or Latin-1 (Java's choice) for what is not. Raises OSError, InvalidSetting."""
    with Path(path).open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise InvalidSetting(f"{path} is larger than {FILE_BYTES_MAX} bytes: not a properties file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
