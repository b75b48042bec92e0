"""What a consumer hands over: one record, or a partition's batches as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, TypeAlias

from ottla.client.fetched import Fetched
from ottla.core.records.columns import Columns, append_columns
from ottla.core.records.record import Header

Deserialize: TypeAlias = "Callable[[str, bytes], Any]"


class ConsumerRecord:
    """One record. `timestamp` is ms since 1970 (-1: none); key and value are bytes, or what a deserializer made of them."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        timestamp: int,
        key: Any,
        value: Any,
        headers: tuple[Header, ...] = (),
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers

    def __repr__(self) -> str:
        return (
            f"ConsumerRecord({self.topic}-{self.partition}@{self.offset}, timestamp={self.timestamp}, "
            f"key={self.key!r}, value={self.value!r}, headers={self.headers!r})"
        )


class Reading:
    """How bytes become what the application works with. None: they stay bytes; a null stays None."""

    __slots__ = ("_key", "_value")

    def __init__(self, key: Deserialize | None, value: Deserialize | None) -> None:
        self._key = key
        self._value = value

    def columns(self, fetched: Fetched) -> Columns:
        """All records of a partition's batches as lists.

        Raises KafkaError (INVALID_RECORD) for broken contents, SerializationError for what a deserializer refuses.
        """
        columns = Columns()
        for batch in fetched.batches:
            append_columns(columns, batch.data, batch.header, batch.first_offset)
        if self._key is not None:
            columns.keys = each_read(self._key, fetched.topic, columns.keys)
        if self._value is not None:
            columns.values = each_read(self._value, fetched.topic, columns.values)
        return columns


def each_read(read: Deserialize, topic: str, column: list[Any]) -> list[Any]:
    return [None if data is None else read(topic, data) for data in column]


def records_of(fetched: Fetched, columns: Columns) -> Iterator[ConsumerRecord]:
    return map(
        ConsumerRecord,
        repeat(fetched.topic),
        repeat(fetched.partition),
        columns.offsets,
        columns.timestamps,
        columns.keys,
        columns.values,
        columns.headers,
    )
