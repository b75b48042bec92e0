"""What a row of the table says of one decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import LARGEST_INPUT, mutated


class Decoder(NamedTuple):
    """A function that takes bytes from outside.

    `decode` reads its input to the end (a generator is run out) and raises nothing but `refuses`. `samples` makes
    inputs that it takes. `mend` puts checksums right after a mutation.
    """

    name: str
    decode: Callable[[bytes], object]
    samples: Callable[[], Sequence[bytes]]
    refuses: tuple[type[Exception], ...] = ()
    text: bool = False
    mend: Callable[[bytes], bytes] | None = None
    memory_per_byte: int = 64
    """Peak of memory for each byte of input …"""
    memory_at_rest: int = 256 << 10
    """… and beside that, in bytes."""

    @property
    def group(self) -> str:
        return self.name.partition(" ")[0]

    def input(self, entropy: bytes) -> bytes:
        """The input that these bytes stand for: nearly a sample, or just themselves."""
        choices = Choices(entropy)
        way = choices.below(16)
        if way == 15:
            return choices.rest()[:LARGEST_INPUT]
        samples = self.samples()
        data = mutated(choices, lambda again: again.of(samples), text=self.text)
        return self.mend(data) if self.mend is not None and way % 4 else data


def text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text, fed with bytes: what is not UTF-8 becomes U+FFFD, as whoever reads the file or argument would."""
    return lambda data: parse(data.decode("utf-8", "replace"))
