"""How a record is printed: by a template, or as a line of JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from ottla.cli.template import Shown


def compiled(template: str) -> Callable[[Shown], bytes]:
    """Raises UsageError."""
    from ottla.cli.template import BadTemplate, compile_template

    try:
        return compile_template(template)
    except BadTemplate as error:
        raise click.UsageError(f"-f {template!r}: {error}") from error


def json_line(shown: Shown) -> bytes:
    """A record as one JSON object. Bytes that are not UTF-8 come as base64 under `key_base64`, `value_base64`."""
    record = shown.record
    row: dict[str, Any] = {
        "topic": shown.topic,
        "partition": shown.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        **text_or_base64("key", record.key),
        **text_or_base64("value", record.value),
        "headers": [
            {"name": name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")}
            | text_or_base64("value", value)
            for name, value in record.headers
        ],
    }
    return msgspec.json.encode(row) + b"\n"


def text_or_base64(name: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": content}  # msgspec writes bytes as base64
