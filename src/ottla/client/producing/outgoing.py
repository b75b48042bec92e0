"""A record as its sender gives it, and those who look at it on its way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from ottla.client.producing.delivery import Delivered
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.build import RECORD_FRAME
from ottla.core.records.record import Header

BUFFERS: Final = (bytes, bytearray, memoryview)


class Outgoing(msgspec.Struct):
    """One record to send. `timestamp` in ms since 1970 (None: now), `partition` None: the partitioner's choice."""

    value: Any
    key: Any = None
    headers: Sequence[Header] = ()
    partition: int | None = None
    timestamp: int | None = None


def are_values(records: Sequence[Any]) -> bool:
    """Whether these are values alone, with nothing else said of any."""
    return not any(issubclass(kind, Outgoing) for kind in set(map(type, records)))


class Interceptor(Protocol):
    """Sees every record before it is serialized, and every batch at its end. Called in the order given."""

    def on_send(self, topic: str, record: Outgoing) -> Outgoing:
        """The record to send in place of `record`, or itself. What it raises, `send` raises."""
        ...

    def on_delivered(self, delivered: Delivered) -> None:
        """A batch has been written or has failed. Must not raise."""
        ...


def intercepted(
    interceptors: Sequence[Interceptor], topic: str, record: Outgoing
) -> tuple[Any, Any, Sequence[Header], int | None, int | None]:
    """Value, key, headers, partition and timestamp after all of them have seen the record."""
    for interceptor in interceptors:
        record = interceptor.on_send(topic, record)
    return record.value, record.key, record.headers, record.partition, record.timestamp


def raw(serialize: Callable[[str, Any], bytes] | None, topic: str, given: Any) -> bytes | None:
    """A key or value as it travels. Raises what the serializer raises, and TypeError for what are no bytes."""
    if given is None:
        return None
    if serialize is not None:
        given = serialize(topic, given)
    if not isinstance(given, BUFFERS):
        raise TypeError(
            f"keys and values are bytes, not {type(given).__name__}: "
            "give the producer a key_serializer or value_serializer"
        )
    return given  # type: ignore[return-value]


def largest_row(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None) -> int:
    """What no row of these columns exceeds, in bytes."""
    size = RECORD_FRAME + max((len(value or b"") for value in values), default=0)
    return size if keys is None else size + max((len(key or b"") for key in keys), default=0)


def too_large(size: int, limit: int) -> KafkaError:
    return KafkaError(
        ErrorCode.MESSAGE_TOO_LARGE, f"a record of {size} bytes is larger than max.request.size={limit}"
    )
