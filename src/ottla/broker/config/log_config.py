"""From topic settings to the `LogConfig` that logs are run with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ottla.core.log.config import LogConfig
from ottla.core.model.settings.kinds import Value
from ottla.core.model.settings.table import TOPIC

_INTERNAL_SEGMENT_BYTES: Final = "internal.segment.bytes"
FIELDS: Final[dict[str, str]] = {
    name: name.replace(".", "_") for name in TOPIC if name != _INTERNAL_SEGMENT_BYTES
}
"""Topic configs and the fields that hold them."""


def log_config(values: Mapping[str, Value], record_validation: str) -> LogConfig:
    """`values`: every topic config as a value."""
    fields: dict[str, Any] = {field: values[name] for name, field in FIELDS.items()}
    fields["cleanup_policy"] = frozenset(fields["cleanup_policy"])
    if values[_INTERNAL_SEGMENT_BYTES] is not None:
        # Tests set it to make segments smaller than the usual rule allows.
        fields["segment_bytes"] = values[_INTERNAL_SEGMENT_BYTES]
    return LogConfig(record_validation=record_validation, **fields)
