"""The search guided by coverage: atheris (libFuzzer underneath) finds bytes, the table says what they mean.

libFuzzer ends its process at the first finding, so each group of decoders is searched in a child process of its own,
for its share of the time. The corpus is kept under `.fuzz/corpus` and used again by the next run.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.decoder import Decoder

CORPUS = Path(".fuzz") / "corpus"
INPUT_MAX = 1024


def available() -> bool:
    return find_spec("atheris") is not None


def main(chosen: Sequence[Decoder], minutes: float, seed: int | None) -> int:
    """Search every group of the chosen decoders. 1 when something was found."""
    groups: dict[str, list[str]] = {}
    for decoder in chosen:
        groups.setdefault(decoder.group, []).append(decoder.name)
    seconds = max(1, int(60 * minutes / len(groups)))
    failed = []
    for group, names in groups.items():
        print(f"{group}: {len(names)} decoders, {seconds} s", flush=True)
        corpus = CORPUS / group
        corpus.mkdir(parents=True, exist_ok=True)
        target = names[0] if len(names) == 1 else group
        arguments = [
            f"-max_total_time={seconds}",
            f"-max_len={INPUT_MAX}",
            "-timeout=60",
            "-rss_limit_mb=4096",
        ]
        arguments += ["-print_final_stats=1", "-verbosity=0"] + (
            [f"-seed={seed}"] if seed is not None else []
        )
        command = [sys.executable, "-m", "tests.fuzz.guided", target, *arguments, str(corpus)]
        if subprocess.run(command, check=False).returncode:
            failed.append(group)
    print(f"findings in: {', '.join(failed)}" if failed else "no findings")
    return 1 if failed else 0


def search(target: str, arguments: list[str]) -> None:
    """In the child: never returns."""
    import atheris

    with atheris.instrument_imports(include=["ottla"]):
        from tests.fuzz.__main__ import report
        from tests.fuzz.decoders import TABLE
        from tests.fuzz.watch import Misbehaved, run, warm_up
    chosen = [decoder for name, decoder in TABLE.items() if name.startswith(target)]
    for decoder in chosen:
        warm_up(decoder)

    def once(entropy: bytes) -> None:
        decoder = chosen[int.from_bytes(entropy[:2], "big") % len(chosen)]
        data = decoder.input(entropy[2:])
        try:
            run(decoder, data)
        except Misbehaved as fault:
            report(decoder, data, fault)
            raise

    atheris.Setup([sys.argv[0], *arguments], once)
    atheris.Fuzz()


if __name__ == "__main__":
    search(sys.argv[1], sys.argv[2:])
