"""Which names a topic may have.

Metric names turn `.` into `_`, so two topics that differ only in those would share their metrics: such a pair is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ottla.core.model.errors import ErrorCode, KafkaError

MAX_NAME_LENGTH: Final = 249
_LEGAL: Final = re.compile(r"[a-zA-Z0-9._-]+")


def _flaw(name: str) -> str | None:
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > MAX_NAME_LENGTH:
        return f"the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    if not _LEGAL.fullmatch(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def check_topic_name(name: str) -> None:
    """Raise KafkaError(INVALID_TOPIC_EXCEPTION) with Kafka's sentence if `name` cannot name a topic."""
    flaw = _flaw(name)
    if flaw is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {flaw}")


def metric_name(topic: str) -> str:
    """The name under which a topic's metrics would be kept: what must not collide."""
    return topic.replace(".", "_")


def check_collision(name: str, existing: Iterable[str]) -> None:
    """Raise KafkaError if another topic of `existing` differs from `name` only in `.` and `_`."""
    if "." not in name and "_" not in name:
        return
    wanted = metric_name(name)
    for other in existing:
        if other != name and metric_name(other) == wanted:
            raise KafkaError(
                ErrorCode.INVALID_TOPIC_EXCEPTION,
                f"Topic '{name}' collides with existing topic: {other}",
            )
