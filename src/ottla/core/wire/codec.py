"""Messages to bytes and back.

`shape_of` reads a declaration, the emitters turn it into straight-line Python for one (message, version) on its
first use, and these functions call what was emitted. Nothing is interpreted per message.

    data = encode(FetchRequest(max_wait_ms=500), 12)
    request = decode(FetchRequest, data, 12)

Only `DecodeError` leaves a decoder, whatever the bytes are; only `EncodeError` leaves an encoder.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from ottla.core.model.parts import Part
from ottla.core.wire.declaration import Body
from ottla.core.wire.emit_decoder import emit_decoder
from ottla.core.wire.emit_encoder import emit_encoder
from ottla.core.wire.misfit import misfit
from ottla.core.wire.primitives import DecodeError, EncodeError

__all__ = ["DecodeError", "EncodeError", "decode", "decode_from", "encode", "encode_parts", "source"]

B = TypeVar("B", bound=Body)

Encoder: TypeAlias = Callable[[Body, list[Any], list[int]], None]
Decoder: TypeAlias = Callable[[bytes, int], tuple[Any, int]]

_ENCODERS: dict[tuple[type[Body], int], Encoder] = {}
_DECODERS: dict[tuple[type[Body], int], Decoder] = {}

_WRITING_FAILS = (struct.error, TypeError, AttributeError, UnicodeEncodeError, OverflowError)
"""What emitted encoders raise when a field holds something its type does not allow."""


def encode(message: Body, version: int) -> bytes:
    """The message as bytes. Raises EncodeError when a field cannot be written in this version."""
    parts: list[Any] = []
    try:
        encoder = _ENCODERS.get((type(message), version)) or _encoder(type(message), version)
        encoder(message, parts, [])
        return b"".join(parts)
    except _WRITING_FAILS as error:
        raise _refusal(message, version, error) from error


def encode_parts(message: Body, version: int) -> list[Part]:
    """As `encode`, but `records` fields ride along as the objects they are, uncopied, between joined bytes."""
    parts: list[Any] = []
    cuts: list[int] = []
    _write(message, version, parts, cuts)
    if not cuts:
        return [_joined(message, version, parts)]
    whole: list[Part] = []
    start = 0
    for cut in cuts:
        whole.append(_joined(message, version, parts[start:cut]))
        whole.append(parts[cut])
        start = cut + 1
    if start < len(parts):
        whole.append(_joined(message, version, parts[start:]))
    return whole


def decode(cls: type[B], data: bytes, version: int, offset: int = 0) -> B:
    """The message that fills `data` from `offset` to its end. Raises DecodeError."""
    message, end = decode_from(cls, data, version, offset)
    if end != len(data):
        raise DecodeError(f"{cls.__name__} version {version} is followed by {len(data) - end} bytes too many")
    return message


def decode_from(cls: type[B], data: bytes, version: int, offset: int = 0) -> tuple[B, int]:
    """The message at `offset`, and the position after it. Raises DecodeError.

    Bytes of a string that are not UTF-8 become U+FFFD, as in Kafka: the request is then refused for what it says.
    """
    decoder = _DECODERS.get((cls, version))
    if decoder is None:
        if not cls.wire.versions.includes(version):
            raise DecodeError(f"{cls.__name__} has no version {version}, only {cls.wire.versions}")
        decoder = _DECODERS[cls, version] = emit_decoder(cls, version)
    try:
        return decoder(data, offset)
    except (struct.error, IndexError) as error:
        raise DecodeError(
            f"{cls.__name__} version {version} ends early: {len(data) - offset} bytes"
        ) from error


def source(cls: type[Body], version: int) -> str:
    """The Python emitted for one message and version: encoder, then decoder."""
    encoder: Any = emit_encoder(cls, version)
    decoder: Any = emit_decoder(cls, version)
    return f"{encoder.__source__}\n\n{decoder.__source__}"


def _write(message: Body, version: int, parts: list[Any], cuts: list[int]) -> None:
    encoder = _encoder(type(message), version)
    try:
        encoder(message, parts, cuts)
    except _WRITING_FAILS as error:
        raise _refusal(message, version, error) from error


def _encoder(cls: type[Body], version: int) -> Encoder:
    """The encoder for one message and version, emitted on its first use."""
    encoder = _ENCODERS.get((cls, version))
    if encoder is None:
        if not cls.wire.versions.includes(version):
            raise EncodeError(f"{cls.__name__} has no version {version}, only {cls.wire.versions}")
        encoder = _ENCODERS[cls, version] = emit_encoder(cls, version)
    return encoder


def _joined(message: Body, version: int, parts: list[Any]) -> bytes:
    try:
        return b"".join(parts)
    except TypeError as error:
        raise _refusal(message, version, error) from error


def _refusal(message: Body, version: int, error: Exception) -> EncodeError:
    why = misfit(message, version) or error
    return EncodeError(f"{type(message).__name__} version {version} cannot be written: {why}")
