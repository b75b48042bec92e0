"""Every decoder of the table, on inputs that are nearly right: seconds of what `make fuzz` does for minutes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.decoder import Decoder
from tests.fuzz.decoders import OTHERS, SERVING, TABLE, WIRE
from tests.fuzz.regressions import REGRESSIONS, Regression
from tests.fuzz.serving import stop_serving
from tests.fuzz.watch import run

DIRECTORIES = [decoder for decoder in OTHERS if decoder.group == "directory"]
ALONE = [decoder for decoder in OTHERS if decoder.group != "directory"]
EXAMPLES = 60
DIRECTORY_EXAMPLES = 12
WIRE_EXAMPLES = 2500
SERVED_EXAMPLES = 10
ENTROPY = st.binary(min_size=4, max_size=200)

calm = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("decoder", DIRECTORIES, ids=lambda decoder: decoder.name)
@settings(calm, max_examples=DIRECTORY_EXAMPLES)
@given(entropy=ENTROPY)
def test_a_directory_with_a_spoiled_file_is_opened(decoder: Decoder, entropy: bytes) -> None:
    run(decoder, decoder.input(entropy))


@pytest.mark.parametrize("decoder", ALONE, ids=lambda decoder: decoder.name)
@settings(calm, max_examples=EXAMPLES)
@given(entropy=ENTROPY)
def test_nearly_right_input_is_taken_or_refused(decoder: Decoder, entropy: bytes) -> None:
    run(decoder, decoder.input(entropy))


@settings(calm, max_examples=WIRE_EXAMPLES)
@given(which=st.integers(0, len(WIRE) - 1), entropy=ENTROPY)
def test_nearly_right_messages_are_taken_or_refused(which: int, entropy: bytes) -> None:
    run(WIRE[which], WIRE[which].input(entropy))


def test_messages_cut_anywhere_are_refused() -> None:
    for decoder in WIRE:
        whole = decoder.samples()[1]
        for end in range(len(whole)):
            with pytest.raises(decoder.refuses):
                decoder.decode(whole[:end])


@pytest.mark.parametrize("decoder", (*OTHERS, *WIRE), ids=lambda decoder: decoder.name)
def test_samples_are_taken(decoder: Decoder) -> None:
    taken = [run(decoder, sample) for sample in decoder.samples()]
    assert any(taken)


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.decoder)
def test_what_misbehaved_once(regression: Regression) -> None:
    run(TABLE[regression.decoder], regression.data)


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    yield
    stop_serving()


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("decoder", SERVING, ids=lambda decoder: decoder.name)
def test_requests_are_answered_or_refused(decoder: Decoder) -> None:
    """Each API in each version, and some mutated requests: the handlers have no faults either."""
    for sample in decoder.samples():
        decoder.decode(sample)
    chance = random.Random(decoder.name)
    for _ in range(SERVED_EXAMPLES):
        run(decoder, decoder.input(chance.randbytes(100)))
