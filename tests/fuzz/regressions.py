"""Inputs that a decoder once misbehaved on, newest last. `make fuzz` prints the line to add here."""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.records.build import build
from ottla.core.records.record import Record


class Regression(NamedTuple):
    """`data` must be taken or refused by the decoder of this name, within its bounds."""

    decoder: str
    data: bytes


LATE = build([Record(0, 72_000_000_000_000_000, b"k", b"v")])
"""A batch of the year 2,283,538."""

REGRESSIONS = [
    Regression("records shown", LATE),
    # Digits without end: int() refuses more than 4,300 of them with an error of its own.
    Regression("people plan", b"orde\r,0,42\n"),
    Regression("people servers", b"localhost:" + b"9" * 5000),
    Regression("people servers", "localhost:1²".encode()),
    Regression("people controllers", b"1@localhost:" + b"9" * 5000 + b":AAECAwQFBgcICQoLDA0ODw"),
    Regression("people controllers", b"9" * 5000 + b"@localhost:9093:AAECAwQFBgcICQoLDA0ODw"),
    Regression("people input-template", b"%p %v\x00" + b"9" * 5000 + b" x"),
    Regression("people offsets", b"@-" + b"9" * 5000 + b"d"),
    Regression("people contexts", b"current = " + b"9" * 5000),
    Regression("name directory", b"orders-" + b"9" * 5000),
    Regression("name segment", b"9" * 5000 + b".log"),
    Regression("name snapshot", b"9" * 5000 + b".snapshot"),
    # Regular expressions that tried every way to divide a run of digits, or of blanks, in two.
    Regression("people topic-config", b"min.cleanable.dirty.ratio=" + b"9" * 30_000 + b"x"),
    Regression("people topic-config", b"cleanup.policy=a" + b" " * 30_000 + b"b"),
    # A frame header of eleven bytes made room for a block of 4 MiB.
    Regression("compression lz4", b'\x04"M\x18\x60\x70\x73\x01\x00\x00\x00a\x00\x00\x00\x00'),
]
