"""Inputs that are nearly right: a valid sample with a few things done to it, or no sample at all.

Random bytes die at the first check. What finds faults are samples with a length turned to an extreme, a piece cut out,
another piece put in twice, two of them spliced; and, where a checksum guards the contents, the checksum put right
afterwards (`mend`), so that what lies behind it is reached too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from tests.fuzz.choices import Choices

LARGEST_INPUT: Final = 64 << 10
MUTATIONS_MAX: Final = 6

NUMBERS: Final = (
    *(0, 1, 2, 7, 8, 15, 16, 31, 32, 60, 61, 62, 63, 64, 100, 127, 128, 255, 256, 1000, 4096),
    *(2**15 - 1, 2**15, 2**16 - 1, 2**16, 2**20, 2**21, 2**24, 2**27, 2**30),
    *(2**31 - 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
    *(-1, -2, -127, -128, -(2**15), -(2**31), -(2**63)),
)
WORDS: Final = (
    *(
        "",
        " ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\0",
        "\\",
        "\\u",
        "\\uD800",
        "\\u00e9",
        "=",
        ":",
        "#",
        "!",
        ",",
        ";",
    ),
    *(
        "@",
        "/",
        "//",
        "://",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "%",
        "%%",
        "%k",
        "%v",
        "%h{",
        "$",
        "${",
        "'",
        '"',
        "-",
    ),
    *(
        "--",
        "+",
        ".",
        "..",
        "*",
        "_",
        "0",
        "-1",
        "1e400",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "-0",
        "²",
        "٣",
        "é",
    ),
    *("ß", "İ", "\u2028", "\ufeff", "\ud7ff", "😀", "null", "true", "false", "None", "start", "end", "now"),
    *(
        "9" * 20,
        "9" * 400,
        "9" * 5000,
        "-" + "9" * 20,
        "a" * 300,
        "a" * 70000,
        "1d",
        "ms",
        "2026-02-30",
        "T24:00Z",
    ),
)


def mutated(choices: Choices, sample: Callable[[Choices], bytes], *, text: bool) -> bytes:
    """An input made from samples; `sample` draws one."""
    data = sample(choices)
    for _ in range(1 + choices.below(MUTATIONS_MAX)):
        pool = TEXT if text and choices.below(3) else BINARY
        data = choices.of(pool)(choices, data, sample)[:LARGEST_INPUT]
        if not choices.left:
            break
    return data


Mutation = Callable[[Choices, bytes, Callable[[Choices], bytes]], bytes]


def flip(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    if not data:
        return data
    at = choices.below(len(data))
    return data[:at] + bytes((data[at] ^ 1 << choices.below(8),)) + data[at + 1 :]


def put_byte(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + choices.take(1) + data[at + 1 :]


def cut_off(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    return data[: choices.below(len(data) + 1)]


def take_out(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    start, size = _stretch(choices, data)
    return data[:start] + data[start + size :]


def insert(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + choices.take(choices.below(9)) + data[at:]


def double(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    start, size = _stretch(choices, data)
    times = choices.of((1, 1, 2, 8, 64))
    return data[:start] + data[start : start + size] * times + data[start:]


def splice(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    other = sample(choices)
    return data[: choices.below(len(data) + 1)] + other[choices.below(len(other) + 1) :]


def put_number(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    """An extreme where a length or a count may stand."""
    letter = choices.of((">B", ">H", ">I", ">I", ">I", ">Q", "<I", "<Q"))
    size = struct.calcsize(letter)
    number = choices.of(NUMBERS) & (1 << 8 * size) - 1
    at = choices.below(max(1, len(data) - size + 1))
    return data[:at] + struct.pack(letter, number) + data[at + size :]


def put_varint(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    number = choices.of(NUMBERS)
    if choices.below(2):
        number = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    number &= 2**64 - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    at = choices.below(len(data) + 1)
    return data[:at] + bytes(out) + data[at + 1 :]


def put_word(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + choices.of(WORDS).encode() + data[at + choices.below(3) :]


def put_decimal(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    """Another number in place of one that is there."""
    places = [at for at, byte in enumerate(data) if byte in b"0123456789"]
    if not places:
        return put_word(choices, data, sample)
    start = end = choices.of(places)
    while end < len(data) and data[end : end + 1].isdigit():
        end += 1
    return data[:start] + str(choices.of(NUMBERS)).encode() + data[end:]


def take_line(choices: Choices, data: bytes, sample: Callable[[Choices], bytes]) -> bytes:
    lines = data.split(b"\n")
    del lines[choices.below(len(lines))]
    return b"\n".join(lines)


def _stretch(choices: Choices, data: bytes) -> tuple[int, int]:
    start = choices.below(len(data) + 1)
    return start, min(choices.below(33), len(data) - start)


BINARY: Final[tuple[Mutation, ...]] = (
    *(flip, put_byte, cut_off, take_out, insert, double, splice, put_number, put_number, put_varint),
)
TEXT: Final[tuple[Mutation, ...]] = (put_word, put_word, put_decimal, take_line, double, splice, take_out)
