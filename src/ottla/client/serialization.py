"""Keys and values as bytes and back, in the forms of Kafka's own serializers.

    Producer(..., key_serializer=LONG, value_serializer=JSON)

A serializer is anything with `serialize(topic, value)`, or a plain function from a value to bytes; the same for
`deserialize`. None is a null in either direction and never reaches them. `Json` can be told a type (a msgspec.Struct, a
dataclass, a TypedDict) that it reads into and checks against.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

T = TypeVar("T")
T_in = TypeVar("T_in", contravariant=True)
T_out = TypeVar("T_out", covariant=True)


class SerializationError(ValueError):
    """A value that does not fit its serializer, or bytes that do not fit their deserializer."""


@runtime_checkable
class Serializer(Protocol[T_in]):
    """A value becomes bytes; `topic` is where they go. Raises SerializationError for a value that cannot."""

    def serialize(self, topic: str, value: T_in) -> bytes: ...


@runtime_checkable
class Deserializer(Protocol[T_out]):
    """Bytes become a value; `topic` is where they come from. Raises SerializationError for bytes that cannot."""

    def deserialize(self, topic: str, data: bytes) -> T_out: ...


Serializes: TypeAlias = "Serializer[Any] | Callable[[Any], bytes]"
Deserializes: TypeAlias = "Deserializer[Any] | Callable[[bytes], Any]"


class String:
    """Text. Kafka's StringSerializer, in UTF-8 unless told otherwise."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.encoding = encoding

    def serialize(self, topic: str, value: str) -> bytes:
        if not isinstance(value, str):
            raise unfit(topic, value, "a str")
        try:
            return value.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise SerializationError(f"a value for {topic!r} is not {self.encoding}: {error}") from error

    def deserialize(self, topic: str, data: bytes) -> str:
        try:
            return bytes(data).decode(self.encoding)
        except UnicodeDecodeError as error:
            raise SerializationError(f"a value of {topic!r} is not {self.encoding}: {error}") from error


class Bytes:
    """Bytes as they are. Kafka's ByteArraySerializer."""

    def serialize(self, topic: str, value: bytes | bytearray | memoryview) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise unfit(topic, value, "bytes")
        return bytes(value)

    def deserialize(self, topic: str, data: bytes) -> bytes:
        return bytes(data)


class Packed(Generic[T]):
    """A number of fixed size, its highest byte first."""

    def __init__(self, name: str, layout: str, kind: type[T]) -> None:
        self.name = name
        self.kind = kind
        self._struct = struct.Struct(layout)

    def serialize(self, topic: str, value: T) -> bytes:
        if self.kind is bool and not isinstance(value, bool):
            raise unfit(topic, value, self.name)
        try:
            return self._struct.pack(value)
        except (struct.error, OverflowError) as error:
            raise unfit(topic, value, self.name) from error

    def deserialize(self, topic: str, data: bytes) -> T:
        if len(data) != self._struct.size:
            raise SerializationError(
                f"{len(data)} bytes of {topic!r} are not {self.name}, which takes {self._struct.size}"
            )
        value: T = self._struct.unpack(data)[0]
        return value


class Uuid:
    """A uuid.UUID, as Kafka's UUIDSerializer writes it: its text in UTF-8."""

    def serialize(self, topic: str, value: uuid.UUID) -> bytes:
        if not isinstance(value, uuid.UUID):
            raise unfit(topic, value, "a uuid.UUID")
        return str(value).encode()

    def deserialize(self, topic: str, data: bytes) -> uuid.UUID:
        try:
            return uuid.UUID(bytes(data).decode())
        except ValueError as error:
            raise SerializationError(f"a value of {topic!r} is no UUID: {error}") from error


class Json:
    """JSON in UTF-8, without spaces. `kind`: what is read, and checked (default: whatever the JSON says)."""

    def __init__(self, kind: Any = Any) -> None:
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def serialize(self, topic: str, value: Any) -> bytes:
        try:
            return self._encoder.encode(value)
        except (TypeError, ValueError, msgspec.EncodeError) as error:
            raise SerializationError(f"a value for {topic!r} is no JSON: {error}") from error

    def deserialize(self, topic: str, data: bytes) -> Any:
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SerializationError(f"a value of {topic!r} is not as expected: {error}") from error


STRING: Final = String()
BYTES: Final = Bytes()
SHORT: Final = Packed("an int16", ">h", int)
INTEGER: Final = Packed("an int32", ">i", int)
LONG: Final = Packed("an int64", ">q", int)
FLOAT: Final = Packed("a float32", ">f", float)
DOUBLE: Final = Packed("a float64", ">d", float)
BOOLEAN: Final = Packed("a bool", ">?", bool)
UUID: Final = Uuid()
JSON: Final = Json()


def unfit(topic: str, value: object, wanted: str) -> SerializationError:
    return SerializationError(f"a value for {topic!r} is {type(value).__name__} {value!r}, not {wanted}")


def serializing(given: Serializes | None) -> Callable[[str, Any], bytes] | None:
    """What was given as one call with topic and value. Raises TypeError for what is no serializer."""
    if given is None:
        return None
    if isinstance(given, Serializer):
        return given.serialize
    if not callable(given):
        raise TypeError(
            f"{given!r} is no serializer: give a function, or something with serialize(topic, value)"
        )
    call = given
    return lambda topic, value: call(value)


def deserializing(given: Deserializes | None) -> Callable[[str, bytes], Any] | None:
    """What was given as one call with topic and bytes. Raises TypeError for what is no deserializer."""
    if given is None:
        return None
    if isinstance(given, Deserializer):
        return given.deserialize
    if not callable(given):
        raise TypeError(
            f"{given!r} is no deserializer: give a function, or something with deserialize(topic, data)"
        )
    call = given
    return lambda topic, data: call(data)
