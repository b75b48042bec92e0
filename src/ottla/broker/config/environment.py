"""Settings from environment variables, as container images of Kafka take them (KIP-975).

`KAFKA_` and the key in capitals: `_` stands for `.`, `__` for `_`, `___` for `-`. `KAFKA_CFG_` (another widespread
image) and `OTTLA_` work alike; the more special prefix wins. Variables that start the same way but hold no setting of
ours (`KAFKA_HEAP_OPTS`, an application's `KAFKA_BOOTSTRAP_SERVERS`) are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ottla.core.model.settings.table import is_known

PREFIXES: Final = ("KAFKA_", "KAFKA_CFG_", "OTTLA_")
"""Weakest first."""


def key_of(variable: str) -> str:
    """`LOG_RETENTION_MS` to `log.retention.ms`."""
    return variable.lower().replace("_", ".").replace("...", "-").replace("..", "_")


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that environment variables hold."""
    found: dict[str, str] = {}
    for prefix in PREFIXES:
        for variable, value in sorted(environment.items()):
            if not variable.startswith(prefix):
                continue
            key = key_of(variable[len(prefix) :])
            own = f"ottla.{key}"
            if prefix == "OTTLA_" and is_known(own):
                found[own] = value
            elif is_known(key):
                found[key] = value
    return found
