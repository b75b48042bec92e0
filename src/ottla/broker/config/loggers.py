"""Log levels that change while the node runs (KIP-412): configs of the BROKER_LOGGER resource.

Kafka's level names stand for Python's; `root` is the root logger. Levels live in the process and vanish with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from ottla.core.model.settings.alter import DELETE, OPERATIONS, SET, invalid_config, invalid_request

log = logging.getLogger("ottla.config")

ROOT: Final = "root"
FAMILY: Final = "ottla"
TRACE: Final = 5
LEVELS: Final = {
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}


def levels() -> dict[str, str]:
    """Every logger of ours with the level that counts for it."""
    registered = logging.Logger.manager.loggerDict
    names = [name for name in registered if name == FAMILY or name.startswith(f"{FAMILY}.")]
    return {name: _level_of(name) for name in (ROOT, *sorted(names))}


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)


def _level_of(name: str) -> str:
    effective = _logger(name).getEffectiveLevel()
    return next(
        (word for word, level in reversed(LEVELS.items()) if level <= effective),
        "TRACE",
    )


def check_levels(node_id: int, resource_name: str, changes: Iterable[tuple[str, int, str | None]]) -> None:
    """Raises KafkaError unless these changes of (logger, operation, level) may be made on this node."""
    try:
        asked = int(resource_name)
    except ValueError:
        raise invalid_request(f"Node id must be an integer, but it is: {resource_name}") from None
    if asked != node_id:
        raise invalid_request(f"Unexpected node id. Expected {node_id}, but received {asked}")
    known = levels()
    for name, operation, level in changes:
        if operation not in (SET, DELETE):
            word = OPERATIONS.get(operation, f"Unknown operation type {operation}")
            if operation in OPERATIONS:
                word = f"{word} operation"
            raise invalid_request(f"{word} is not allowed for the BROKER_LOGGER resource")
        if name not in known:
            raise invalid_config(f"Logger {name} does not exist!")
        if operation == SET and level not in LEVELS:
            raise invalid_config(
                f"Cannot set the log level of {name} to {level} as it is not a supported log level. "
                f"Valid log levels are {', '.join(sorted(LEVELS))}"
            )
        if operation == DELETE and name == ROOT:
            raise invalid_request("Removing the log level of the root logger is not allowed")


def apply_levels(changes: Iterable[tuple[str, int, str | None]]) -> None:
    """Make changes that `check_levels` let through."""
    for name, operation, level in changes:
        if operation == SET and level is not None:
            _logger(name).setLevel(LEVELS[level])
            log.warning("log level changed: logger=%s level=%s", name, level)
        else:
            _logger(name).setLevel(logging.NOTSET)
            log.warning("log level inherited again: logger=%s", name)
