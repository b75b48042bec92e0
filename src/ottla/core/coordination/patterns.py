"""Patterns that clients send: RE2 syntax, on an engine whose time grows with the text alone.

Kafka's broker uses RE2/J for the same reason: whoever may send a pattern must not be able to stop the broker with it.
"""

from __future__ import annotations

from collections.abc import Callable

from ottla.core.model.errors import ErrorCode, KafkaError


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a whole name matches. Raises KafkaError (INVALID_REGULAR_EXPRESSION)."""
    # Most nodes never meet a pattern: the engine is loaded for the first.
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise KafkaError(
            ErrorCode.INVALID_REGULAR_EXPRESSION,
            f"`{pattern}` is not a valid regular expression: {_reason(error)}",
        ) from error
    return lambda name: compiled.fullmatch(name) is not None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
