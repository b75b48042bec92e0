"""One decode under watch: only the exceptions it may raise, memory and time in proportion to its input.

Memory is what `tracemalloc` sees, so everything made by Python and by extensions through Python's allocator. Time is
processor time of this process and its bound is wide: it is there for what grows with the square of the input or does
not end, not for what is slow.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Final

from tests.fuzz.decoder import Decoder

SECONDS_AT_REST: Final = 1.0
SECONDS_PER_MB: Final = 40.0
"""Under tracemalloc, on a busy machine; records and messages of Python run at some megabytes a second."""


class Misbehaved(AssertionError):
    """A decoder did what no input may make it do."""


_WARM: Final[set[str]] = set()


def run(decoder: Decoder, data: bytes) -> bool:
    """Decode; whether it was taken. Raises Misbehaved, naming what happened and how to see it again."""
    warm_up(decoder)
    taken, spent, peak = _measured(decoder, data)
    bound = decoder.memory_at_rest + decoder.memory_per_byte * len(data)
    seconds = SECONDS_AT_REST + SECONDS_PER_MB * len(data) / 1e6
    if spent > seconds or peak > bound:
        # Once more: a collection of garbage, or an import, may have come in between and is not the input's doing.
        taken, *again = _measured(decoder, data)
        spent, peak = min(spent, again[0]), min(peak, again[1])
    if peak > bound:
        raise Misbehaved(told(decoder, data, f"took {peak} bytes of memory, {bound} are its bound"))
    if spent > seconds:
        raise Misbehaved(told(decoder, data, f"took {spent:.1f} s of processor time"))
    return taken


def _measured(decoder: Decoder, data: bytes) -> tuple[bool, float, int]:
    """(whether it was taken, seconds of this process, bytes at the peak)."""
    tracemalloc.start()
    began = time.process_time()
    try:
        taken = _decode(decoder, data)
        return taken, time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def warm_up(decoder: Decoder) -> None:
    """What is made once and kept (emitted codecs, imported modules) is not the input's doing."""
    if decoder.name not in _WARM:
        _WARM.add(decoder.name)
        for sample in decoder.samples():
            _decode(decoder, sample)


def _decode(decoder: Decoder, data: bytes) -> bool:
    try:
        decoder.decode(data)
    except decoder.refuses:
        return False
    except Exception as error:
        fault = f"raised {type(error).__name__}: {error}"
        raise Misbehaved(told(decoder, data, fault)) from error
    return True


def told(decoder: Decoder, data: bytes, fault: str) -> str:
    """What went wrong, with the line that makes it a regression test."""
    shown = repr(data) if len(data) <= 200 else f"{data[:200]!r}… ({len(data)} bytes)"
    line = f"    Regression({decoder.name!r}, {data!r}),"
    if len(line) > 2000:
        line = "    (too long to paste: save the input and read it in the test)"
    return f"{decoder.name} {fault}\non {shown}\nfor tests/fuzz/regressions.py:\n{line}"
