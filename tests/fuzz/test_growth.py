"""Four times the input may take about four times the time: nothing that a peer sends costs its square.

Processor time, the best of some runs, and twice the proportion is forgiven: a decoder that grows with the square of its
input takes sixteen times as long, and is found whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import gc
import time

import pytest

from tests.fuzz.decoder import Decoder
from tests.fuzz.decoders import TABLE
from tests.fuzz.floods import FLOODS, Flood
from tests.fuzz.watch import warm_up

SMALL = 16 << 10
TIMES = 4
FORGIVEN = 2.5
NOISE_SECONDS = 0.02


def seconds(decoder: Decoder, data: bytes) -> float:
    best = float("inf")
    gc.disable()  # whose work grows with what else the process holds
    try:
        for _ in range(3):
            began = time.process_time()
            with contextlib.suppress(*decoder.refuses):
                decoder.decode(data)
            best = min(best, time.process_time() - began)
    finally:
        gc.enable()
    return best


def check(decoder: Decoder, flood: Flood) -> None:
    warm_up(decoder)
    small, large = seconds(decoder, flood(SMALL)), seconds(decoder, flood(SMALL * TIMES))
    assert large <= TIMES * FORGIVEN * small + NOISE_SECONDS, f"{small:.4f} s, then {large:.4f} s"


@pytest.mark.parametrize(("name", "flood"), FLOODS, ids=[name for name, _ in FLOODS])
def test_time_grows_as_the_input_does(name: str, flood: Flood) -> None:
    check(TABLE[name], flood)
