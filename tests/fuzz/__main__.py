"""`make fuzz`: mutate for minutes, over the whole table or over one part of it.

    python -m tests.fuzz [--minutes 1] [--target records] [--seed N] [--engine auto|atheris|own]

With atheris (`pip install ottla[fuzz]`) the search is guided by coverage; without it, mutations are drawn from a seed.
Both feed the same table (`decoders.py`) through the same watch. What misbehaves is saved under `.fuzz/` and printed as
a line for `regressions.py`. Exit code 1 when something did.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tests.fuzz.decoder import Decoder
from tests.fuzz.decoders import TABLE
from tests.fuzz.serving import stop_serving
from tests.fuzz.watch import Misbehaved, run

SAVED = Path(".fuzz")
ENTROPY_MAX = 512
TURNS = 32
"""Inputs that one decoder gets before the next one's turn."""
MEMORY_MAX = 4 << 30
"""Address space of this process: what grows without end becomes a finding, not the end of the machine."""
KINDS_MAX = 3
"""Findings of one decoder after which it is left alone: the first ones tell enough."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--target", default="", help="a decoder of the table, or how its name begins")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--engine", choices=("auto", "atheris", "own"), default="auto")
    wanted = parser.parse_args()
    chosen = [each for each in TABLE.values() if each.name.startswith(wanted.target)]
    if not chosen:
        groups = sorted({each.group for each in TABLE.values()})
        print(f"no decoder is called {wanted.target!r}; the names begin with {', '.join(groups)}")
        return 2
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, resource.getrlimit(resource.RLIMIT_AS)[1]))
    if wanted.engine != "own":
        from tests.fuzz import guided

        if guided.available():
            return guided.main(chosen, wanted.minutes, wanted.seed)
        if wanted.engine == "atheris":
            print("atheris is not installed: pip install atheris")
            return 2
        print("atheris is not installed (pip install atheris): mutations are drawn at random")
    seed = random.randrange(1 << 32) if wanted.seed is None else wanted.seed
    try:
        return own(chosen, wanted.minutes, seed)
    finally:
        stop_serving()


def own(chosen: Sequence[Decoder], minutes: float, seed: int) -> int:
    """Mutations from a seed, decoder by decoder, wire messages less often than what stands alone."""
    print(f"{len(chosen)} decoders, {minutes:g} minutes, seed {seed}", flush=True)
    chance = random.Random(seed)
    wire = [each for each in chosen if each.group == "wire"]
    alone = [each for each in chosen if each.group != "wire"]
    found: dict[str, int] = {}
    done = taken = 0
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        chance.shuffle(alone)
        for decoder in (*alone, *chance.sample(wire, min(len(wire), 64))):
            if found.get(decoder.name, 0) >= KINDS_MAX or time.monotonic() >= until:
                continue
            for _ in range(TURNS):
                data = decoder.input(chance.randbytes(chance.randint(4, ENTROPY_MAX)))
                done += 1
                try:
                    taken += run(decoder, data)
                except Misbehaved as fault:
                    found[decoder.name] = found.get(decoder.name, 0) + 1
                    report(decoder, data, fault)
                    break
    print(f"{done} inputs, {taken} of them taken, {sum(found.values())} findings")
    for name, count in sorted(found.items()):
        print(f"  {count} {name}")
    return 1 if found else 0


def report(decoder: Decoder, data: bytes, fault: Misbehaved) -> None:
    """Say it and keep the input."""
    directory = SAVED / decoder.name.replace(" ", "-").replace("/", "-")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    print(f"\n{fault}\nthe input is in {path}", flush=True)
    cause = fault.__cause__
    if cause is not None and cause.__traceback__ is not None:
        last = cause.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        print(f"raised in {last.tb_frame.f_code.co_filename}:{last.tb_lineno}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
